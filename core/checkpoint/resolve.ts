import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errors } from "../errors.ts";
import { readBest } from "./best.ts";
import { MANIFEST_FILE } from "./manifest.ts";
import { type CheckpointEntry, listCheckpoints } from "./store.ts";

/** Where a run keeps its checkpoints. */
export const CHECKPOINTS_FOLDER = "checkpoints";

/** What a person may call a checkpoint, read: `checkpoint_50k.pth` is { steps: 50000 }. */
export type CheckpointAlias = "last" | "best" | { readonly steps: number } | { readonly epochs: number };

/** Reads the names that other trainers give: `best_model`, `model_step50000`, `checkpoint_50k`, `checkpoint_epoch_50`. */
export function parseAlias(text: string): CheckpointAlias | undefined {
  const name = text.toLowerCase().replace(/\.(pth|pt|ckpt|safetensors)$/, "");
  if (/^(best|best[-_]model|model[-_]best)$/.test(name)) return "best";
  if (/^(last|latest|final|(last|latest|final)[-_]model|model[-_](last|latest|final))$/.test(name)) return "last";
  const epochs = /^(?:(?:model|checkpoint|ckpt)[-_]?)?epoch[-_=]?(\d+)$/.exec(name)?.[1];
  if (epochs !== undefined) return { epochs: Number(epochs) };
  const [, digits, unit] = /^(?:(?:model|checkpoint|ckpt)[-_]?)?(?:steps?[-_=]?)?(\d+)([km]?)$/.exec(name) ?? [];
  if (digits === undefined) return undefined;
  return { steps: Number(digits) * (unit === "k" ? 1e3 : unit === "m" ? 1e6 : 1) };
}

/**
 * The folder of the checkpoint that is meant. `place` is a run's folder, a folder of checkpoints, or a checkpoint itself;
 * `which` is "last", "best", a checkpoint's name, a path, or an alias as `parseAlias` reads it. Throws
 * MF_CHECKPOINT_NONE when there are none, MF_UNKNOWN listing the names when none fits.
 */
export async function resolveCheckpoint(place: string, which = "last"): Promise<string> {
  if (which === "last" && (await isFile(join(place, MANIFEST_FILE)))) return place;
  if (await isFile(join(which, MANIFEST_FILE))) return which;
  const name = basename(which);
  const directory = await checkpointFolder(name === which ? place : dirname(which));
  const entries = await listCheckpoints(directory);
  if (entries.length === 0) throw errors.MF_CHECKPOINT_NONE({ where: directory });

  const found = entries.find((entry) => entry.name === name) ?? (await byAlias(directory, entries, parseAlias(name)));
  if (found === undefined) {
    throw errors.MF_UNKNOWN({
      kind: "checkpoint",
      name: which,
      known: ["last", "best", ...entries.map((e) => e.name)],
    });
  }
  return found.path;
}

async function byAlias(
  directory: string,
  entries: readonly CheckpointEntry[],
  alias: CheckpointAlias | undefined,
): Promise<CheckpointEntry | undefined> {
  if (alias === undefined) return undefined;
  if (alias === "last") return entries.find(({ manifest }) => manifest !== null) ?? entries[0];
  if (alias === "best") {
    const best = await readBest(directory);
    const entry = entries.find(({ name }) => name === best?.checkpoint);
    if (entry === undefined) throw errors.MF_CHECKPOINT_NONE({ where: `${directory} (best)` });
    return entry;
  }
  return entries.find(({ manifest }) =>
    "steps" in alias ? manifest?.clock.steps === alias.steps : manifest?.clock.epochs === alias.epochs,
  );
}

/** The folder that holds the checkpoints of a run, given either. */
export async function checkpointFolder(place: string): Promise<string> {
  const inside = join(place, CHECKPOINTS_FOLDER);
  return stat(inside).then(
    () => inside,
    () => place,
  );
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
