import * as tf from "@tensorflow/tfjs-core";
import { acting } from "../../acting.ts";
import type { Builder } from "../builder.ts";
import { graphErrors } from "../errors.ts";
import type { DType, Node, Values } from "../node.ts";
import { kernels } from "./kernels/index.ts";

/** The name of the backend that records instead of computing. */
export const TRACE = "trace";

type DataId = tf.TensorInfo["dataId"];

/**
 * A tfjs backend whose tensors are nodes of a graph. A data id is only a handle: disposing it frees nothing of the
 * graph, so tidy, keep, clones and the gradient tape work as everywhere.
 */
export class TraceBackend extends tf.KernelBackend {
  private readonly nodes = new Map<DataId, Node>();
  private readonly references = new Map<DataId, number>();
  /** Tensors of other backends that the step captured, read once a trace. */
  private captured = new WeakMap<DataId, Node>();
  private builder: Builder | null = null;

  begin(builder: Builder): void {
    this.builder = builder;
    this.captured = new WeakMap();
  }
  /** Nodes of one trace mean nothing in another: a tensor that was kept is known no more. */
  end(): void {
    this.builder = null;
    this.nodes.clear();
    this.references.clear();
  }
  get build(): Builder {
    if (this.builder === null) throw graphErrors.MF_TRACE_KEPT({ where: acting() });
    return this.builder;
  }

  /** A new handle on a node. */
  info(node: Node): tf.TensorInfo {
    const dataId: DataId = {};
    this.hold(dataId, node);
    return { dataId, shape: node.shape.slice(), dtype: node.dtype };
  }

  node(tensor: tf.TensorInfo): Node {
    const node = this.nodes.get(tensor.dataId) ?? this.captured.get(tensor.dataId);
    if (node !== undefined) return node;
    // Read where it lies, so that it stays there.
    const values = tf.engine().readSync(tensor.dataId) as Values;
    const constant = this.build.constant(values, tensor.shape, tensor.dtype as DType);
    this.captured.set(tensor.dataId, constant);
    return constant;
  }

  private hold(dataId: DataId, node: Node): void {
    this.nodes.set(dataId, node);
    this.references.set(dataId, 1);
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): DataId {
    const given = (values ?? new Float32Array(tf.util.sizeFromShape(shape))) as Values;
    return this.info(this.build.constant(given, shape, dtype as DType)).dataId;
  }
  override move(dataId: DataId, values: tf.BackendValues, shape: number[], dtype: tf.DataType): void {
    this.hold(dataId, this.build.constant(values as Values, shape, dtype as DType));
  }
  override readSync(dataId: DataId): tf.BackendValues {
    const node = this.nodes.get(dataId);
    if (node === undefined) throw graphErrors.MF_TRACE_KEPT({ where: acting() });
    if (node.op === "Const") return node.values!;
    if (node.op === "Splat") {
      return tf.util
        .makeOnesTypedArray(tf.util.sizeFromShape(node.shape as number[]), node.dtype)
        .fill(node.attrs["value"] as number);
    }
    throw graphErrors.MF_TRACE_READ({ where: acting() });
  }
  override async read(dataId: DataId): Promise<tf.BackendValues> {
    return this.readSync(dataId);
  }
  override incRef(dataId: DataId): void {
    this.references.set(dataId, this.refCount(dataId) + 1);
  }
  override refCount(dataId: DataId): number {
    return this.references.get(dataId) ?? 0;
  }
  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.nodes.has(dataId)) return true;
    const left = this.refCount(dataId) - 1;
    this.references.set(dataId, left);
    if (left > 0 && !force) return false;
    this.nodes.delete(dataId);
    this.references.delete(dataId);
    return true;
  }
  override numDataIds(): number {
    return this.nodes.size;
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }
  override dispose(): void {}
}

let instance: TraceBackend | null = null;

/** The one trace backend, registered with tfjs on first use. */
export function traceBackend(): TraceBackend {
  if (instance !== null) return instance;
  const backend = new TraceBackend();
  instance = backend;
  tf.registerBackend(TRACE, () => backend, 0);
  for (const [kernelName, record] of Object.entries(kernels)) {
    tf.registerKernel({
      kernelName,
      backendName: TRACE,
      kernelFunc: ({ inputs, attrs }) => {
        const given = Object.entries(inputs).filter(([, x]) => x != null);
        const nodes = Object.fromEntries(given.map(([name, x]) => [name, backend.node(x as tf.TensorInfo)]));
        const made = record({ inputs: nodes, attrs: attrs ?? {}, build: backend.build });
        return Array.isArray(made) ? made.map((node) => backend.info(node)) : backend.info(made as Node);
      },
    });
  }
  refuseOthers();
  return backend;
}

/** Kernels that other backends know and this one does not fail by name instead of in tfjs. */
function refuseOthers(): void {
  const others = new Set(["cpu", "wasm"].flatMap((name) => tf.getKernelsForBackend(name).map((k) => k.kernelName)));
  for (const kernelName of others) {
    if (kernelName in kernels) continue;
    tf.registerKernel({
      kernelName,
      backendName: TRACE,
      kernelFunc: () => {
        throw graphErrors.MF_TRACE_KERNEL({ kernel: kernelName, where: acting() });
      },
    });
  }
}
