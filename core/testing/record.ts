import * as tf from "@tensorflow/tfjs-core";

export interface Recording {
  /** Name and attributes of each kernel called, in order. */
  readonly kernels: readonly string[];
  /** Values of the tensors that are neither inputs nor results of a kernel: what a trace would bake in. */
  readonly constants: readonly (readonly number[])[];
}

/**
 * Records the kernels that `f` calls on the current backend, the backward pass included, and the constants it uses.
 * `inputs` are the tensors that do not count as constants. A number that changes with time shows up as a difference
 * between two recordings.
 */
export function record(f: () => void, inputs: readonly tf.Tensor[]): Recording {
  const backend = tf.getBackend();
  const originals = tf.getKernelsForBackend(backend);
  const kernels: string[] = [];
  const constants: number[][] = [];
  const known = new Set<object>(inputs.map((t) => t.dataId));
  const noteConstants = (info: unknown): void => {
    for (const t of [info].flat() as (tf.TensorInfo | undefined)[]) {
      if (t?.dataId === undefined || known.has(t.dataId)) continue;
      known.add(t.dataId);
      constants.push(Array.from(tf.engine().backend.readSync(t.dataId) as Float32Array));
    }
  };
  // Kernels call kernels; only the outermost is a node of the graph.
  let depth = 0;
  const watched = (config: tf.KernelConfig): tf.KernelFunc => {
    return (call) => {
      if (depth > 0) return config.kernelFunc(call);
      for (const input of Object.values(call.inputs)) noteConstants(input);
      kernels.push(`${config.kernelName} ${JSON.stringify(call.attrs ?? {})}`);
      depth++;
      try {
        const out = config.kernelFunc(call);
        for (const t of [out].flat()) known.add(t.dataId);
        return out;
      } finally {
        depth--;
      }
    };
  };
  const register = (config: tf.KernelConfig): void => {
    tf.unregisterKernel(config.kernelName, backend);
    tf.registerKernel(config);
  };
  for (const config of originals) register({ ...config, kernelFunc: watched(config) });
  try {
    f();
  } finally {
    for (const config of originals) register(config);
  }
  return { kernels, constants };
}
