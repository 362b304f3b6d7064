import { move, transferableSymbol, valueSymbol, workerData } from "piscina";
import { isMfError } from "../errors.ts";
import type { Cursor, Dataset, Read } from "./dataset.ts";
import type { HostBatch } from "./host-tensor.ts";
import type { Failure, PrefetchSpec, WorkerReply } from "./prefetch.ts";

let opened: Promise<Dataset> | undefined;

async function openDataset({ module, export: name, options }: PrefetchSpec): Promise<Dataset> {
  const loaded = (await import(module)) as Record<string, unknown>;
  const factory = loaded[name];
  if (typeof factory !== "function") throw new Error(`it exports no function "${name}"`);
  return (await factory(options)) as Dataset;
}

const dataset = (): Promise<Dataset> => {
  opened ??= openDataset(workerData as PrefetchSpec);
  return opened;
};

/** Runs in the worker thread: the size of the dataset when no cursor is given, else the batch there. */
export async function answer(task: { cursor: Cursor; batchSize: number } | null): Promise<unknown> {
  try {
    const data = await dataset();
    if (task === null) return { size: data.size } satisfies WorkerReply;
    return given(await data.read(task.cursor, task.batchSize));
  } catch (error) {
    return { failure: describe(error) } satisfies WorkerReply;
  }
}

/** Hands the batch's memory over instead of copying it; arrays that share memory with something else are copied first. */
function given({ batch, next }: Read): unknown {
  const buffers = new Set<ArrayBuffer>();
  const own: Record<string, HostBatch[string]> = {};
  for (const [name, tensor] of Object.entries(batch)) {
    const { buffer, byteLength } = tensor.data;
    const whole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && !buffers.has(buffer);
    const data = whole ? tensor.data : tensor.data.slice();
    buffers.add(data.buffer as ArrayBuffer);
    own[name] = { ...tensor, data } as HostBatch[string];
  }
  const value: WorkerReply = { read: { batch: own, next } };
  return move({ [transferableSymbol]: [...buffers], [valueSymbol]: value } as never);
}

/** Errors lose their own fields between threads, so they travel as data. */
function describe(error: unknown): Failure {
  if (isMfError(error)) {
    const { code, fault, detail, message, stack } = error;
    return { message, stack, known: { code, fault, detail } };
  }
  if (error instanceof Error) return { message: error.message, stack: error.stack };
  return { message: String(error) };
}
