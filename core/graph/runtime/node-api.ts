import type * as Ort from "onnxruntime-node";
import { checkBinding, checkFeeds } from "./checks.ts";
import { type Device, precisionOf, requireDevice, sessionOptions } from "./device.ts";
import { reasonOf, refusal, runFailure, runtimeErrors } from "./errors.ts";
import { type Heap, type HeapTensor, viewOf } from "./heap.ts";
import { lifetime } from "./lifetime.ts";
import { hostTensor, ortTensor } from "./ort-tensors.ts";
import { findPackage } from "./package.ts";
import type { Runtime, Session } from "./session.ts";

/** ONNX Runtime through its package for Node. A run blocks the event loop and copies what it returns. */
export async function openNodeApi(device: Device, threads: number): Promise<Runtime> {
  const ort = await loadPackage();
  const description = `ONNX Runtime ${ort.env.versions.node}, ${device}`;
  if (device !== "cpu") await requireDevice(ort, device);
  return {
    device,
    api: "node",
    description: device === "cpu" ? `${description}, ${threads} ${threads === 1 ? "thread" : "threads"}` : description,
    precision: precisionOf(device),
    async createSession(bytes, name) {
      try {
        return nodeSession(ort, await ort.InferenceSession.create(bytes, sessionOptions(device, threads)), name);
      } catch (cause) {
        throw refusal(name, cause);
      }
    },
  };
}

/** Loads the package with its own logging off: what it would print is in the errors it throws. */
export async function loadPackage(): Promise<typeof Ort> {
  try {
    findPackage();
    const ort = await import("onnxruntime-node");
    ort.env.logLevel = "fatal";
    return ort;
  } catch (cause) {
    throw runtimeErrors.MF_RUNTIME_MISSING({ reason: reasonOf(cause) }, { cause });
  }
}

type Tensors = Record<string, Ort.Tensor>;

function nodeSession(ort: typeof Ort, session: Ort.InferenceSession, model: string): Session {
  const tensorsIn = (heap: Heap, tensors: Readonly<Record<string, HeapTensor>>): Tensors =>
    Object.fromEntries(
      Object.entries(tensors).map(([key, tensor]) => [
        key,
        new ort.Tensor(tensor.dtype, viewOf(heap, tensor), tensor.shape),
      ]),
    );
  const life = lifetime(model, () => void session.release());
  const run = (feeds: Tensors, fetches?: Tensors) =>
    life.use(async () => {
      try {
        return await (fetches === undefined ? session.run(feeds) : session.run(feeds, fetches));
      } catch (cause) {
        throw runFailure(model, cause);
      }
    });
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    bind(heap, inputs, outputs) {
      life.check();
      checkBinding(model, { inputs: session.inputNames, outputs: session.outputNames }, heap, inputs, outputs);
      let placed: { readonly buffer: ArrayBuffer; readonly feeds: Tensors; readonly fetches: Tensors } | null = null;
      const bindingLife = lifetime(model, () => {
        placed = null;
      });
      return {
        run: () =>
          bindingLife.use(async () => {
            if (placed?.buffer !== heap.buffer)
              placed = { buffer: heap.buffer, feeds: tensorsIn(heap, inputs), fetches: tensorsIn(heap, outputs) };
            // It writes into the fetches; what it returns are copies of them.
            await run(placed.feeds, placed.fetches);
          }),
        release: bindingLife.release,
      };
    },
    async run(feeds) {
      checkFeeds(model, session.inputNames, feeds);
      const given = Object.entries(feeds).map(([name, feed]) => [name, ortTensor(ort, feed)]);
      const results = await run(Object.fromEntries(given));
      return Object.fromEntries(Object.entries(results).map(([name, result]) => [name, hostTensor(result)]));
    },
    release: life.release,
  };
}
