import { createHash } from "node:crypto";
import type { Media } from "../../../core/metrics/media.ts";
import type { Rasterize } from "../png.ts";
import { valueText } from "./extended-json.ts";

/** What a row says of a medium, and the file that holds it, below the run's `files` folder. */
export interface Logged {
  /** The row's value, as text. */
  readonly text: string;
  readonly file: { readonly path: string; readonly content: string | Uint8Array } | null;
}

/** The form in which W&B shows a medium. Its image type takes pixels; without `rasterize` pictures go as pages. */
export async function toLogged(media: Media, rasterize: Rasterize | null): Promise<Logged> {
  switch (media.kind) {
    case "histogram":
      return {
        text: valueText({ _type: "histogram", values: media.counts, bins: media.edges }),
        file: null,
      };
    case "table": {
      const content = JSON.stringify({ columns: media.columns, data: media.rows });
      const counts = { ncols: media.columns.length, nrows: media.rows.length };
      return inFile(media, { folder: "table", type: "table-file", ending: "table.json" }, content, counts);
    }
    case "image": {
      if (rasterize === null) return inFile(media, html, page(media.svg));
      const { png, width, height } = await rasterize(media.svg);
      return inFile(media, { folder: "images", type: "image-file", ending: "png" }, png, {
        format: "png",
        width,
        height,
      });
    }
    case "text":
      return inFile(media, html, page(`<pre style="white-space: pre-wrap">${escaped(media.text)}</pre>`));
  }
}

interface FileKind {
  readonly folder: string;
  readonly type: string;
  readonly ending: string;
}

const html: FileKind = { folder: "html", type: "html-file", ending: "html" };

function inFile(
  { name, step }: Media,
  kind: FileKind,
  content: string | Uint8Array,
  more: Readonly<Record<string, number | string>> = {},
): Logged {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const plain = name.replace(/[^\w.-]+/g, "_");
  const path = `media/${kind.folder}/${plain}_${step}_${sha256.slice(0, 20)}.${kind.ending}`;
  const size = Buffer.byteLength(content);
  return { text: JSON.stringify({ _type: kind.type, path, sha256, size, ...more }), file: { path, content } };
}

const page = (body: string): string => `<!doctype html>\n<meta charset="utf-8">\n${body}\n`;

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
