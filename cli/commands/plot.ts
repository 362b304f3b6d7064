import { InvalidArgumentError } from "commander";
import { errors } from "../../core/errors.ts";
import type { Curves } from "../../core/report/curves.ts";
import { addCommand, type Context, type Declare, wholeNumber } from "../command.ts";
import { locateRun } from "../settings.ts";

interface PlotFlags {
  readonly metric: string;
  readonly out: string;
  readonly log?: true;
  readonly smooth: number;
  readonly width: number;
  readonly height: number;
}

export const declarePlot: Declare = (program, context) => {
  addCommand(program, "plot", "draw metrics of runs for a paper, as SVG or PNG", [
    "mf plot panda-meanflow-001 --metric val/position_error_mm --log --out error.svg",
    "mf plot panda-meanflow-001 panda-meanflow-002 --metric train/loss,val/success --smooth 0.9 --out curves.png",
  ])
    .argument("<run...>", "runs, a colour each")
    .requiredOption("--metric <names>", "metrics with commas, a panel each")
    .requiredOption("--out <file>", "the .svg or .png file to write")
    .option("--log", "a logarithmic axis of values")
    .option("--smooth <weight>", "weight of the moving average, from 0 to below 1", weight, 0)
    .option("--width <px>", "of the picture", wholeNumber(200), 720)
    .option("--height <px>", "of a panel", wholeNumber(120), 280)
    .action((runs: string[], flags: PlotFlags) => plotCommand(runs, flags, context));
};

function weight(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value < 1)) {
    throw new InvalidArgumentError("It must be a number from 0 to below 1.");
  }
  return value;
}

async function plotCommand(places: readonly string[], flags: PlotFlags, context: Context): Promise<void> {
  const [{ linePlot }, { writeAtomically }] = await Promise.all([
    import("../plot/line-plot.ts"),
    import("../../core/data/bytes.ts"),
  ]);
  const format = /\.(svg|png)$/i.exec(flags.out)?.[1]?.toLowerCase();
  if (format === undefined) {
    throw errors.MF_USAGE({ problem: `--out "${flags.out}" is no picture.`, usage: "End it with .svg or .png." });
  }
  const runs = await readCurves(places, context);
  const metrics = flags.metric.split(",").map((name) => name.trim());
  const panels = metrics.map((metric) => ({
    title: metric,
    lines: runs.flatMap(({ name, curves }, color) => {
      const curve = curves[metric];
      return curve === undefined ? [] : [{ name, color, curve }];
    }),
  }));
  const missing = panels.find(({ lines }) => lines.length === 0);
  if (missing !== undefined) {
    const known = [...new Set(runs.flatMap(({ curves }) => Object.keys(curves)))].sort();
    throw errors.MF_UNKNOWN({ kind: "metric", name: missing.title, known });
  }
  const svg = linePlot(panels, { ...flags, log: flags.log === true, smoothing: flags.smooth });
  await writeAtomically(flags.out, format === "svg" ? svg : await toPng(svg));
  context.output.emit(
    { out: flags.out, metrics, runs: runs.map(({ name }) => name) },
    () => `Written to ${flags.out}: ${metrics.join(", ")}.`,
  );
}

async function readCurves(
  places: readonly string[],
  context: Context,
): Promise<{ readonly name: string; readonly curves: Curves }[]> {
  const [{ runOf }, { readRun }] = await Promise.all([
    import("../../core/run-folder.ts"),
    import("../../core/report/record.ts"),
  ]);
  return Promise.all(
    places.map(async (place) => {
      const folder = await runOf(locateRun(context, place));
      return { name: folder.name, curves: (await readRun(folder)).curves };
    }),
  );
}

async function toPng(svg: string): Promise<Uint8Array> {
  const { loadRasterizer } = await import("../../plugins/loggers/png.ts");
  const rasterize = await loadRasterizer();
  if (rasterize === null) {
    const problem = "A PNG needs the package @resvg/resvg-js, which is not installed.";
    throw errors.MF_USAGE({ problem, usage: "Install it (npm i @resvg/resvg-js), or write .svg." });
  }
  return (await rasterize(svg)).png;
}
