import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Image, Media } from "../../../core/metrics/media.ts";
import { openLines } from "./lines-file.ts";

/** A line of `media.jsonl`: the item itself, but a picture by the file it is in, relative to the run's folder. */
export type MediaLine = Exclude<Media, Image> | (Omit<Media & Image, "svg"> & { readonly file: string });

/** What a run published beside numbers: pictures under `media/`, everything in `media.jsonl`. */
export function openMediaFile(directory: string) {
  const lines = openLines<MediaLine>(join(directory, "media.jsonl"));
  return {
    async append(items: readonly Media[]): Promise<void> {
      for (const item of items) {
        if (item.kind !== "image") continue;
        const path = join(directory, fileOf(item));
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, item.svg);
      }
      await lines.append(items.map(toLine));
    },
    /** Drops what belongs to later steps, and half a line at the end. */
    async truncateAfter(steps: number): Promise<void> {
      for (const line of await lines.truncateAfter(steps)) {
        if (line.kind === "image") await rm(join(directory, fileOf(line)), { force: true });
      }
    },
  };
}

function toLine(item: Media): MediaLine {
  if (item.kind !== "image") return item;
  const { svg: _, ...rest } = item;
  return { ...rest, file: fileOf(item) };
}

/** `media/val/paths-00001000.svg`, whatever characters the name has. */
function fileOf({ name, step }: Pick<Media, "name" | "step">): string {
  const parts = name.split("/").map((part) => (/^\.*$/.test(part) ? `_${part}` : encodeURIComponent(part)));
  return `media/${parts.join("/")}-${String(step).padStart(8, "0")}.svg`;
}
