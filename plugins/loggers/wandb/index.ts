import { z } from "zod";
import { checkpointName } from "../../../core/checkpoint/store.ts";
import type { Json } from "../../../core/json.ts";
import { definePlugin } from "../../../core/plugin.ts";
import type { Outcome } from "../../../core/run.ts";
import { aliasesSchema, withAliases } from "../aliases.ts";
import { resultsTable } from "../results.ts";
import { randomName } from "./artifact.ts";
import { createPace } from "./pace.ts";
import { createRecorded } from "./rows.ts";
import { openSession, type Session } from "./session.ts";
import { RUN_ID, resolveSettings } from "./settings.ts";

export { type Synced, syncRun } from "./sync.ts";

/** Between two writes: what a killed process may lose. */
const WRITE_EVERY_MS = 500;
/** A disk that takes longer for the end of a run holds nothing up. */
const END_DEADLINE_MS = 10_000;
/** 255 is what W&B has for a run that the person interrupted. */
const EXIT_CODES: Readonly<Record<Outcome, number>> = { completed: 0, stopped: 0, interrupted: 255, failed: 1 };

const named = (meaning: string, variable: string) =>
  z.string().min(1).nullable().default(null).describe(`${meaning}; null for ${variable}`);

/** Records the run in W&B's own format in the run's folder, and sends it to W&B as it grows. */
export const wandb = definePlugin({
  name: "wandb",
  summary: "Weights & Biases: a local run that wandb sync accepts, sent as it grows",
  options: z.strictObject({
    mode: z
      .enum(["online", "offline", "disabled"])
      .nullable()
      .default(null)
      .describe("online, offline (the local run only) or disabled; null for WANDB_MODE, else online"),
    id: z
      .string()
      .regex(RUN_ID)
      .nullable()
      .default(null)
      .describe("of a new run on W&B; null for WANDB_RUN_ID, else a random one"),
    project: named("where the run belongs", 'WANDB_PROJECT, else "motionforge"'),
    entity: named("user or team", "WANDB_ENTITY, else the key's"),
    name: named("how W&B shows the run", "WANDB_NAME, else the run's name"),
    group: named("what runs are grouped by", "WANDB_RUN_GROUP"),
    tags: z.array(z.string().min(1)).nullable().default(null).describe("labels; null for WANDB_TAGS, with commas"),
    notes: named("a longer description", "WANDB_NOTES"),
    transport: z.enum(["client", "sdk"]).default("client").describe("what sends rows: our own client, or @wandb/sdk"),
    checkpoint: z.boolean().default(false).describe("whether the last checkpoint is stored as a model artifact"),
    drainSeconds: z.number().min(0).default(30).describe("how long the end of a run waits for what is not sent yet"),
    aliases: aliasesSchema,
  }),
  setup({ hooks, run, settings, metrics, memory, log, onDispose }, options) {
    const recorded = createRecorded(Date.now);
    let id: string | null = null;
    memory<{ id: string | null; rows: number }>({
      save: () => ({ id, rows: recorded.rows }),
      load(saved) {
        id = saved.id;
        recorded.startWith(saved.rows);
      },
    });
    if (run.directory === null || run.rank !== 0) return;
    const { directory } = run;
    const chosen = resolveSettings(options, process.env, run.name);
    if (chosen.mode === "disabled") return;
    let session: Session | undefined;
    // A write that failed, or never came back, ends the recording. The metric stream tells the person.
    let writing = false;
    const write = async (act: (session: Session) => Promise<void>): Promise<void> => {
      writing = true;
      await act(session!);
      writing = false;
    };
    const flush = (): Promise<void> => write((s) => s.flush());
    const pace = createPace(WRITE_EVERY_MS, () => sink.act(flush));
    metrics.points.subscribe(recorded.see);
    metrics.media.subscribe(recorded.see);
    const sink = metrics.sink(
      "wandb",
      async (points) => {
        session!.add(withAliases(points, options.aliases));
        if (pace.isDue()) await flush();
      },
      { media: (items) => write((s) => s.media(items)) },
    );
    // Before the others, so that what they record at the start finds the session open.
    hooks.onStart.tap({ name: "wandb", stage: -1 }, ({ clock }) => {
      recorded.begin(clock.steps);
      const { rows: before, times } = recorded;
      const known = id ?? chosen.id ?? randomName(8);
      if (chosen.id !== null && chosen.id !== known) {
        log.warn(`W&B: the run goes on as ${known}, not as ${chosen.id}. Begin another with --drop-state wandb.`);
      }
      id = known;
      const config = settings.config as Readonly<Record<string, Json>>;
      sink.act(async () => {
        const plan = { directory, id: known, config, steps: clock.steps, before, times, chosen, options, log };
        session = await openSession(plan);
        recorded.startWith(session.rowsBefore);
      });
    });
    // A run that is killed goes on after the checkpoint, and does not record again what came before.
    hooks.onCheckpoint.tap("wandb", () => sink.act(flush));
    hooks.onFinish.tapPromise("wandb", async (summary) => {
      const { outcome, clock } = summary;
      pace.stop();
      if (session === undefined || writing) return;
      const results = resultsTable(summary);
      const table = { name: "results", step: clock.steps, epoch: clock.epochs };
      const checkpoint = options.checkpoint && outcome !== "failed" ? checkpointName(clock.steps) : null;
      const ended = new Promise<void>((resolve) => {
        const end = async (s: Session): Promise<void> => {
          if (results !== null) await s.media([{ ...table, ...results }]);
          await s.end(EXIT_CODES[outcome], checkpoint);
        };
        sink.act(() => write(end).finally(resolve));
      });
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, END_DEADLINE_MS).unref())]);
      await session.arrival();
    });
    onDispose(async () => {
      pace.stop();
      await session?.close();
    });
  },
});
