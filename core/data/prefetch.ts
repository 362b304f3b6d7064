import { Piscina } from "piscina";
import { errors, type Fault, MfError } from "../errors.ts";
import type { Json } from "../json.ts";
import { isTypescript, typescriptArguments, workerEntry } from "../worker-entry.ts";
import { checkBatchSize, nextCursor } from "./cursor.ts";
import type { Cursor, Dataset, Read } from "./dataset.ts";

/** Names a function `(options) => Dataset | Promise<Dataset>` that a worker thread can import. */
export interface PrefetchSpec {
  /** File URL of the module. */
  readonly module: string;
  /** Name the function is exported by. */
  readonly export: string;
  readonly options: Json;
}

export interface PrefetchOptions {
  /** Threads; each opens the dataset for itself. */
  readonly workers: number;
  /** Batches made ahead of the one being read. */
  readonly depth: number;
}

export interface Failure {
  readonly message: string;
  readonly stack?: string | undefined;
  /** Set for an MfError. */
  readonly known?: { readonly code: string; readonly fault: Fault; readonly detail: unknown };
}

export type WorkerReply = { readonly size: number | null } | { readonly read: Read } | { readonly failure: Failure };

/**
 * The dataset that the named function makes, read ahead in worker threads: the same batches at the same cursors, earlier.
 * Batches are handed over without copying, so the dataset must not keep the arrays it returns. Throws, and rejects reads
 * with, what the dataset throws; MF_DATA_WORKER when that is not an MfError, or when the thread dies.
 */
export async function prefetched(spec: PrefetchSpec, { workers, depth }: PrefetchOptions): Promise<Dataset> {
  const pool = openPool(spec, workers);
  let closed = false;
  let broken: Error | undefined;
  // Batches still under way when the pool closes arrive as errors of the pool; nobody waits for them.
  pool.on("error", (error: Error) => {
    if (!closed) broken = error;
  });
  const close = async (): Promise<void> => {
    closed = true;
    await pool.destroy();
  };
  const ask = async (task: { cursor: Cursor; batchSize: number } | null): Promise<WorkerReply> => {
    let reply: WorkerReply;
    try {
      if (broken !== undefined) throw broken;
      reply = (await pool.run(task)) as WorkerReply;
    } catch (cause) {
      throw errors.MF_DATA_WORKER({ module: spec.module, cause: (cause as Error).message }, { cause });
    }
    if ("failure" in reply) throw rebuilt(reply.failure, spec);
    return reply;
  };
  const start = async (cursor: Cursor, batchSize: number): Promise<Read> => {
    const reply = await ask({ cursor, batchSize });
    if (!("read" in reply)) throw errors.MF_INTERNAL({ problem: "A data worker answered with no batch." });
    return reply.read;
  };

  let size: number | null;
  try {
    const reply = await ask(null);
    size = "size" in reply ? reply.size : null;
  } catch (error) {
    await close();
    throw error;
  }

  let ahead = new Map<string, Promise<Read>>();
  return {
    size,
    async read(cursor, batchSize) {
      checkBatchSize(batchSize, size);
      const wanted = new Map<string, Promise<Read>>();
      let at = cursor;
      for (let i = 0; i <= depth; i++) {
        const key = `${at.seed}/${at.epoch}/${at.position}/${batchSize}`;
        const reading = ahead.get(key) ?? start(at, batchSize);
        // A batch made ahead may never be asked for; its failure is then nobody's.
        reading.catch(() => {});
        wanted.set(key, reading);
        at = nextCursor(at, batchSize, size);
      }
      const [[key, reading]] = wanted as unknown as [[string, Promise<Read>]];
      wanted.delete(key);
      ahead = wanted;
      return reading;
    },
    close,
  };
}

function openPool(spec: PrefetchSpec, workers: number): Piscina {
  const { file, typescript } = workerEntry("prefetch-worker", import.meta.url);
  return new Piscina({
    filename: file,
    name: "answer",
    minThreads: workers,
    maxThreads: workers,
    workerData: spec,
    // Datasets that hold a window of their data read it again for a batch that comes out of turn.
    stricterFIFO: true,
    execArgv: typescript || isTypescript(spec.module) ? typescriptArguments() : [],
  });
}

function rebuilt({ message, stack, known }: Failure, spec: PrefetchSpec): Error {
  const cause = new Error(message);
  if (stack !== undefined) cause.stack = stack;
  if (known === undefined) return errors.MF_DATA_WORKER({ module: spec.module, cause: message }, { cause });
  const plain = message.endsWith(` [${known.code}]`) ? message.slice(0, -known.code.length - 3) : message;
  return new MfError(known.code, known.fault, known.detail, plain, { cause });
}
