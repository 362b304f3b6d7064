import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import type { BuiltSection } from "../../core/report/figure.ts";
import { addCommand, type Context, type Declare, wholeNumber } from "../command.ts";
import { open } from "../opened.ts";
import { locateRun } from "../settings.ts";

interface WatchFlags {
  readonly port: number;
  readonly host?: string;
}

const LOOPBACK = "127.0.0.1";

export const declareWatch: Declare = (program, context) => {
  const command = addCommand(program, "watch", "serve a run's page while it trains, on this machine", [
    "mf watch panda-meanflow-001",
    "mf watch runs/panda-meanflow-001 --port 0",
    "mf watch panda-meanflow-001 --host 0.0.0.0",
  ])
    .argument("<run>", "a run, training or ended")
    .option("--port <number>", "0 for any that is free", wholeNumber(0), 6070)
    .option("--host <address>", "where others may see the page too; its address then has a secret token");
  command.action((place: string, flags: WatchFlags) => watchCommand(place, flags, command, context));
};

async function watchCommand(place: string, flags: WatchFlags, command: Command, context: Context): Promise<void> {
  const [{ runOf }, { readRun }, { pageBundle }, { pageHtml }, { serveRun }, { version }] = await Promise.all([
    import("../../core/run-folder.ts"),
    import("../../core/report/record.ts"),
    import("../report/bundle.ts"),
    import("../report/html.ts"),
    import("../watch/server.ts"),
    import("../../core/checkpoint/manifest.ts"),
  ]);
  const folder = await runOf(locateRun(context, place));
  // What is no run is said here, and not in the page.
  await readRun(folder);
  const data = { live: true, written: new Date().toISOString(), version, runs: [] };
  const watching = await serveRun({
    folder,
    html: pageHtml(data, await pageBundle()),
    host: flags.host ?? LOOPBACK,
    port: flags.port,
    token: flags.host === undefined ? null : randomBytes(16).toString("hex"),
    sections: oneAtATime(() => newestFigures(folder.path, command, context)),
    warn: context.output.warn,
  });
  context.output.emit({ run: folder.name, url: watching.url }, () => `${folder.name} is at ${watching.url}`);
  context.output.info("Ctrl-C ends the page; the run is not touched.");
  await interrupted();
  await watching.close();
}

async function newestFigures(place: string, command: Command, context: Context): Promise<BuiltSection[]> {
  const { buildSections } = await import("../report/sections.ts");
  const { run } = await open([place], { checkpoint: "last" }, command, context);
  try {
    return await buildSections(run, context.output);
  } finally {
    await run.close();
  }
}

/** Several pages that ask at once get one answer. */
function oneAtATime<T>(compute: () => Promise<T>): () => Promise<T> {
  let now: Promise<T> | null = null;
  return () => {
    now ??= compute().finally(() => {
      now = null;
    });
    return now;
  };
}

const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGINT", () => resolve());
    process.once("SIGTERM", () => resolve());
  });
