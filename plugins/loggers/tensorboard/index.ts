import { join } from "node:path";
import { z } from "zod";
import { definePlugin } from "../../../core/plugin.ts";
import type { RunStart, RunSummary } from "../../../core/run.ts";
import { aliasesSchema, withAliases } from "../aliases.ts";
import { resultsTable } from "../results.ts";
import { appendEvents, nextEventFile, truncateEvents } from "./event-file.ts";
import { type Event, hparamsEnd, hparamsStart, sessionStart, text, versionEvent } from "./events.ts";
import { configTable, markdownTable } from "./markdown.ts";
import { hparamsOf, mediaConverter, scalarEvents } from "./to-events.ts";

/** Writes metrics, histograms, pictures, tables and the configuration as TensorBoard's event files. */
export const tensorboard = definePlugin({
  name: "tensorboard",
  summary: "event files for TensorBoard: scalars, histograms, images, text, hyperparameters",
  options: z.strictObject({ aliases: aliasesSchema }),
  setup({ hooks, run, settings, metrics, log }, { aliases }) {
    if (run.directory === null || run.rank !== 0) return;
    const folder = join(run.directory, "tensorboard");
    const seconds = (): number => Date.now() / 1000;
    const mediaEvents = mediaConverter(log.warn);
    let file: string | undefined;

    const append = async (events: readonly Event[]): Promise<void> => {
      const first = file === undefined ? [versionEvent(seconds())] : [];
      file ??= await nextEventFile(folder, seconds());
      await appendEvents(file, [...first, ...events]);
    };
    const start = async ({ clock }: RunStart): Promise<void> => {
      await truncateEvents(folder, clock.steps);
      const at = { seconds: seconds(), step: clock.steps };
      await append([
        sessionStart({ ...at, step: clock.steps + 1 }),
        text(at, "config", configTable(settings.config)),
        hparamsStart(at, run.name, hparamsOf(settings.config)),
      ]);
    };
    const finish = async (summary: RunSummary): Promise<void> => {
      const at = { seconds: seconds(), step: summary.clock.steps };
      const results = resultsTable(summary);
      if (results !== null) await append([text(at, "results", markdownTable(results.columns, results.rows))]);
      // One step on, so that a run that is resumed takes it back: TensorBoard keeps the first end that it sees.
      const end = { ...at, step: at.step + 1 };
      if (summary.outcome !== "interrupted") await append([hparamsEnd(end, summary.outcome !== "failed")]);
    };

    const sink = metrics.sink(
      "tensorboard",
      (points) => append(scalarEvents(withAliases(points, aliases), seconds())),
      {
        async media(items) {
          const events: Event[] = [];
          for (const item of items) events.push(...(await mediaEvents(item, seconds())));
          await append(events);
        },
      },
    );
    hooks.onStart.tap("tensorboard", (begun) => sink.act(() => start(begun)));
    hooks.onFinish.tap("tensorboard", (summary) => sink.act(() => finish(summary)));
  },
});
