import type { HostTensor } from "../../data/host-tensor.ts";
import type { Device } from "./device.ts";
import type { Heap, HeapTensor } from "./heap.ts";

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
