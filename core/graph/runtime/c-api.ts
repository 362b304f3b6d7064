import { type CLibrary, openLibrary } from "./c-library.ts";
import type { Out, Pointer } from "./c-table.ts";
import { takeOutputs, withValue } from "./c-values.ts";
import { checkBinding, checkFeeds } from "./checks.ts";
import { refusal, runFailure } from "./errors.ts";
import { byteLength, type HeapTensor } from "./heap.ts";
import { lifetime } from "./lifetime.ts";
import type { Runtime, Session } from "./session.ts";

const LOG_FATAL = 4;
const OPTIMIZE_ALL = 99;

/** ONNX Runtime on the cpu through its C API, in place and off the event loop. Throws plain errors that say why not. */
export async function openCApi(threads: number): Promise<Runtime> {
  const c = await openLibrary();
  return {
    device: "cpu",
    api: "c",
    description: `ONNX Runtime ${c.version} (C API), cpu, ${threads} ${threads === 1 ? "thread" : "threads"}`,
    precision: "float32",
    async createSession(bytes, name) {
      try {
        return cSession(c, await compile(c, bytes, threads), name);
      } catch (cause) {
        throw refusal(name, cause);
      }
    },
  };
}

async function compile(c: CLibrary, bytes: Uint8Array, threads: number): Promise<Pointer> {
  const { functions } = c;
  const options = c.pointer((out) => functions.CreateSessionOptions(out));
  try {
    c.check(functions.SetSessionLogSeverityLevel(options, LOG_FATAL));
    c.check(functions.SetSessionGraphOptimizationLevel(options, OPTIMIZE_ALL));
    c.check(functions.SetIntraOpNumThreads(options, threads));
    c.check(functions.SetInterOpNumThreads(options, 1));
    const session: Out<bigint> = [null];
    await c.settled(bytes, (done) =>
      functions.CreateSessionFromArray.async(c.environment, bytes, bytes.length, options, session, done),
    );
    return session[0];
  } finally {
    functions.ReleaseSessionOptions(options);
  }
}

function cSession(c: CLibrary, session: Pointer, model: string): Session {
  const { functions } = c;
  const inputNames = names(c, session, functions.SessionGetInputCount, functions.SessionGetInputName);
  const outputNames = names(c, session, functions.SessionGetOutputCount, functions.SessionGetOutputName);
  const life = lifetime(model, () => functions.ReleaseSession(session));
  const runBinding = async (binding: Pointer, memory: object): Promise<void> => {
    try {
      // Always on a thread of its own: that costs 0.03 ms a run, and the event loop stays alive.
      await c.settled(memory, (done) => functions.RunWithBinding.async(session, null, binding, done));
    } catch (cause) {
      throw runFailure(model, cause);
    }
  };

  return {
    inputs: inputNames,
    outputs: outputNames,
    bind(heap, inputs, outputs) {
      life.check();
      checkBinding(model, { inputs: inputNames, outputs: outputNames }, heap, inputs, outputs);
      const binding = c.pointer((out) => functions.CreateIoBinding(session, out));
      const bindingLife = lifetime(model, () => functions.ReleaseIoBinding(binding));
      let buffer: ArrayBuffer | null = null;
      let base: bigint | null = null;
      /** A heap that grew has a new buffer, nearly always where the old one was. */
      const place = () => {
        buffer = heap.buffer;
        const start = c.koffi.address(new Uint8Array(buffer));
        if (start === base) return;
        base = start;
        const bindAll = (tensors: Readonly<Record<string, HeapTensor>>, bindOne: typeof functions.BindInput) => {
          for (const [name, tensor] of Object.entries(tensors))
            withValue(c, start + BigInt(tensor.address), byteLength(tensor), tensor, (value) =>
              bindOne(binding, name, value),
            );
        };
        bindAll(inputs, functions.BindInput);
        bindAll(outputs, functions.BindOutput);
      };
      const run = () => {
        if (heap.buffer !== buffer) place();
        return runBinding(binding, heap);
      };
      return { run: () => life.use(() => bindingLife.use(run)), release: bindingLife.release };
    },
    run: (feeds) =>
      life.use(async () => {
        checkFeeds(model, inputNames, feeds);
        const binding = c.pointer((out) => functions.CreateIoBinding(session, out));
        try {
          for (const [name, feed] of Object.entries(feeds))
            withValue(c, c.koffi.address(feed.data), feed.data.byteLength, feed, (value) =>
              functions.BindInput(binding, name, value),
            );
          for (const name of outputNames) c.check(functions.BindOutputToDevice(binding, name, c.cpuMemory));
          await runBinding(binding, feeds);
          return takeOutputs(c, binding, outputNames);
        } finally {
          functions.ReleaseIoBinding(binding);
        }
      }),
    release: life.release,
  };
}

function names(
  c: CLibrary,
  session: Pointer,
  count: (session: Pointer, out: Out<number>) => Pointer,
  nameAt: (session: Pointer, index: number, allocator: Pointer, out: Out<bigint>) => Pointer,
): string[] {
  return Array.from({ length: c.number((out) => count(session, out)) }, (_, i) => {
    const text = c.pointer((out) => nameAt(session, i, c.allocator, out));
    const name = c.koffi.decode.string(text);
    c.check(c.functions.AllocatorFree(c.allocator, text));
    return name;
  });
}
