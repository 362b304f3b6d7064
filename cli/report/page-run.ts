import type { BuiltSection } from "../../core/report/figure.ts";
import { readRun } from "../../core/report/record.ts";
import type { RunFolder } from "../../core/run-folder.ts";
import type { PageRun } from "./page-data.ts";
import { thinnedCurves, thinnedMedia } from "./thinned.ts";

/** A run as the page shows it, read from its folder. */
export async function pageRun(folder: RunFolder, sections: readonly BuiltSection[]): Promise<PageRun> {
  const { status, curves, media } = await readRun(folder);
  return { name: folder.name, status, curves: thinnedCurves(curves), media: thinnedMedia(media), sections };
}
