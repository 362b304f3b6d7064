import { availableParallelism } from "node:os";
import type { HostTensor } from "../../data/host-tensor.ts";
import { openCApi } from "./c-api.ts";
import type { Device } from "./device.ts";
import { reasonOf, runtimeErrors } from "./errors.ts";
import type { Heap, HeapTensor } from "./heap.ts";
import { openNodeApi } from "./node-api.ts";

export type { Device } from "./device.ts";
export type { Heap, HeapTensor } from "./heap.ts";

export interface RuntimeOptions {
  /** `cpu` if left out. */
  readonly device?: Device;
  /** Threads within one operation on the cpu; all cores if left out. */
  readonly threads?: number;
  /**
   * `node` is the package's own interface. `c` calls the same library through koffi: outputs are written in place and
   * never copied, and the event loop stays alive while a graph runs; for the cpu only. `auto` takes `c` where it works.
   */
  readonly api?: "auto" | "node" | "c";
}

/** ONNX Runtime on one device. Both interfaces give the same bits. */
export interface Runtime {
  readonly device: Device;
  readonly api: "node" | "c";
  /** One line for a person, such as `ONNX Runtime 1.30.0 (C API), cpu, 2 threads`. */
  readonly description: string;
  /** What products are computed in: `float32`, or what a device does instead. */
  readonly precision: string;
  /**
   * Compiles a model; `name` stands for it in messages. Throws `MF_MODEL_REFUSED` for bytes that are not a model this
   * runtime knows, `MF_GRAPH_MEMORY` when memory runs out.
   */
  createSession(bytes: Uint8Array, name: string): Promise<Session>;
}

/** A compiled model. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /**
   * Fixes where every input is read and where some outputs are written; the others are dropped. The heap may grow
   * between runs, not during one. Throws `MF_GRAPH_RUN` for names the model has not, and for tensors outside of the heap.
   */
  bind(heap: Heap, inputs: Readonly<Record<string, HeapTensor>>, outputs: Readonly<Record<string, HeapTensor>>): Bound;
  /** Runs on copies and returns all outputs. Throws as `Bound.run` does. */
  run(feeds: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Frees it, after the run in progress if there is one. Release what was bound first. */
  release(): void;
}

/** A session with its inputs and outputs in place. */
export interface Bound {
  /** One run at a time. Throws `MF_GRAPH_RUN`, for example for a shape that does not fit, and `MF_GRAPH_MEMORY`. */
  run(): Promise<void>;
  release(): void;
}

/**
 * Loads ONNX Runtime. Throws `MF_RUNTIME_MISSING` when it is not installed, `MF_DEVICE_MISSING` for a device that is not
 * usable here, `MF_RUNTIME_API` when the C API is asked for by name and is not usable.
 */
export async function openRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { device = "cpu", threads = availableParallelism(), api = "auto" } = options;
  if (api === "node" || (api === "auto" && device !== "cpu")) return openNodeApi(device, threads);
  try {
    if (device !== "cpu") throw new Error(`it is bound to memory of the cpu, not of ${device}`);
    return await openCApi(threads);
  } catch (cause) {
    if (api === "c") throw runtimeErrors.MF_RUNTIME_API({ reason: reasonOf(cause) }, { cause });
    return openNodeApi(device, threads);
  }
}
