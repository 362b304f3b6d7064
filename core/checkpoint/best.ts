import { join } from "node:path";
import { z } from "zod";
import { readBytes, writeAtomically } from "../data/bytes.ts";
import { errors, isMfError } from "../errors.ts";
import { deleteCheckpoint, listCheckpoints } from "./store.ts";

const BEST_FILE = "best.json";

const bestSchema = z.object({ checkpoint: z.string(), metric: z.string(), value: z.number() });

/** Which checkpoint of a folder is the best so far, and by what. */
export type Best = z.output<typeof bestSchema>;

/** Points `best` at a checkpoint of the folder; nothing is copied. */
export const writeBest = (directory: string, best: Best): Promise<void> =>
  writeAtomically(join(directory, BEST_FILE), `${JSON.stringify(best, null, 2)}\n`);

/** The folder's best checkpoint; null before there is one. Throws MF_FILE_FORMAT for a file that does not tell. */
export async function readBest(directory: string): Promise<Best | null> {
  const path = join(directory, BEST_FILE);
  try {
    return bestSchema.parse(JSON.parse(Buffer.from(await readBytes(path)).toString("utf8")));
  } catch (cause) {
    if (isMfError(cause) && cause.code === "MF_FILE_MISSING") return null;
    if (isMfError(cause)) throw cause;
    const problem = 'it does not name the best checkpoint; delete it, or write { "checkpoint", "metric", "value" }';
    throw errors.MF_FILE_FORMAT({ path, problem }, { cause });
  }
}

/**
 * Deletes all but the newest `last` checkpoints, those in `keep` and the best; returns the names deleted. Damaged ones are
 * neither counted nor deleted: somebody may want to look.
 */
export async function retain(
  directory: string,
  { last, keep = [] }: { readonly last: number; readonly keep?: readonly string[] },
): Promise<string[]> {
  const best = await readBest(directory);
  const kept = new Set([...keep, ...(best === null ? [] : [best.checkpoint])]);
  const whole = (await listCheckpoints(directory)).filter(({ manifest }) => manifest !== null);
  const doomed = whole.slice(last).filter(({ name }) => !kept.has(name));
  for (const { path } of doomed) await deleteCheckpoint(path);
  return doomed.map(({ name }) => name);
}
