import { join, relative } from "node:path";
import type { Command } from "commander";
import { isMfError } from "../../core/errors.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import type { RunFolder } from "../../core/run-folder.ts";
import { addCommand, type Context, type Declare } from "../command.ts";
import { open } from "../opened.ts";
import { locateRun } from "../settings.ts";

interface ReportFlags {
  readonly out?: string;
  readonly checkpoint?: string;
  readonly figures: boolean;
}

export const declareReport: Declare = (program, context) => {
  const command = addCommand(
    program,
    "report",
    "write one HTML file that shows runs: curves, results, what they learned",
    ["mf report runs/panda-meanflow-001", "mf report panda-meanflow-001 panda-meanflow-002 --out compared.html"],
  )
    .argument("<run...>", "runs, which are laid over one another")
    .option("--out <file>", "the file to write; default: report.html in the first run's folder")
    .option("--checkpoint <which>", "for the figures: best, last, or a name; default: best, else last")
    .option("--no-figures", "leaves out what the trained models do, which takes their plugins and some seconds");
  command.action((runs: string[], flags: ReportFlags) => reportCommand(runs, flags, command, context));
};

async function reportCommand(
  places: readonly string[],
  flags: ReportFlags,
  command: Command,
  context: Context,
): Promise<void> {
  const [{ runOf }, { pageRun }, { pageBundle }, { pageHtml }, { writeAtomically }, { version }] = await Promise.all([
    import("../../core/run-folder.ts"),
    import("../report/page-run.ts"),
    import("../report/bundle.ts"),
    import("../report/html.ts"),
    import("../../core/data/bytes.ts"),
    import("../../core/checkpoint/manifest.ts"),
  ]);
  const folders: RunFolder[] = [];
  for (const place of places) folders.push(await runOf(locateRun(context, place)));
  const runs = [];
  for (const [i, folder] of folders.entries()) {
    const figures = flags.figures ? await figuresOf(places[i]!, flags, command, context) : [];
    runs.push(await pageRun(folder, figures));
  }
  const data = { live: false, written: new Date().toISOString(), version, runs };
  const out = flags.out ?? join(folders[0]!.path, "report.html");
  const html = pageHtml(data, await pageBundle());
  await writeAtomically(out, html);
  const shown = relative(context.directory, out) || out;
  const bytes = Buffer.byteLength(html);
  const sections = runs.flatMap((run) => run.sections.map(({ name }) => `${run.name}/${name}`));
  context.output.emit(
    { out: shown, bytes, runs: runs.map(({ name }) => name), figures: sections },
    () =>
      `Written to ${shown}: ${(bytes / 1e6).toFixed(1)} MB, ${sections.length} ${sections.length === 1 ? "figure" : "figures"}.`,
  );
}

/** A run without a checkpoint, or with plugins that are not here, still has curves. */
async function figuresOf(
  place: string,
  { checkpoint }: ReportFlags,
  command: Command,
  context: Context,
): Promise<BuiltSection[]> {
  try {
    const { buildSections } = await import("../report/sections.ts");
    const { run } = await open([place], checkpoint === undefined ? {} : { checkpoint }, command, context);
    try {
      return await buildSections(run, context.output);
    } finally {
      await run.close();
    }
  } catch (error) {
    if (!isMfError(error) || error.fault !== "user" || checkpoint !== undefined) throw error;
    context.output.warn(`The report has no figures of "${place}". ${error.message}`);
    return [];
  }
}
