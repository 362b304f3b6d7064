import { type CTable, type Out, openTable, type Pointer } from "./c-table.ts";

const LOG_FATAL = 4;
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

/** The C API with its statuses as exceptions. */
export interface CLibrary extends CTable {
  readonly environment: Pointer;
  /** Says "memory of the cpu" where a call asks. */
  readonly cpuMemory: Pointer;
  readonly allocator: Pointer;
  /** Throws a status's message, if it has one, as a plain error. */
  check(status: Pointer): void;
  /** The pointer, or the number, that a call leaves in its last argument. */
  pointer(call: (out: Out<bigint>) => Pointer): bigint;
  number(call: (out: Out<number>) => Pointer): number;
  /** Waits for a call on a thread of its own, and keeps the memory that it uses alive: koffi does not. */
  settled(memory: object, start: (done: (error: Error | null, status: Pointer) => void) => void): Promise<void>;
}

let opened: Promise<CLibrary> | null = null;

/** One a process. Throws plain errors that say what is missing. */
export function openLibrary(): Promise<CLibrary> {
  opened ??= openTable().then(withChecks);
  return opened;
}

function withChecks(table: CTable): CLibrary {
  const { functions } = table;
  const check = (status: Pointer): void => {
    if (status === null) return;
    const message = functions.GetErrorMessage(status);
    functions.ReleaseStatus(status);
    throw new Error(message);
  };
  const made = <T>(call: (out: Out<T>) => Pointer): T => {
    const out: Out<T> = [null];
    check(call(out));
    return out[0]!;
  };
  return {
    ...table,
    environment: made<bigint>((out) => functions.CreateEnv(LOG_FATAL, "motionforge", out)),
    cpuMemory: made<bigint>((out) => functions.CreateCpuMemoryInfo(DEVICE_ALLOCATOR, DEFAULT_MEMORY, out)),
    allocator: made<bigint>((out) => functions.GetAllocatorWithDefaultOptions(out)),
    check,
    pointer: made,
    number: made,
    settled: (memory, start) =>
      new Promise((resolve, reject) => {
        const use = { memory };
        start((error, status) => {
          inUse.delete(use);
          try {
            if (error !== null) throw error;
            check(status);
            resolve();
          } catch (cause) {
            reject(cause);
          }
        });
        inUse.add(use);
      }),
  };
}

/** What native code is using, so that it is not collected. */
const inUse = new Set<{ readonly memory: object }>();
