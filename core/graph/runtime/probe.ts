import type { BackendProbe } from "../../engine/probe.ts";
import { isMfError } from "../../errors.ts";
import { createBuilder } from "../builder.ts";
import { toOnnx } from "../onnx/model.ts";
import { openRuntime, type Runtime, type RuntimeOptions } from "./runtime.ts";

const PROBED: readonly { readonly name: string; readonly options: RuntimeOptions; readonly advice: string | null }[] = [
  { name: "onnxruntime", options: { api: "node" }, advice: null },
  { name: "onnxruntime + koffi", options: { api: "c" }, advice: "npm i koffi" },
  { name: "onnxruntime cuda", options: { device: "cuda" }, advice: null },
  { name: "onnxruntime webgpu", options: { device: "webgpu" }, advice: null },
];

/**
 * Tries ONNX Runtime on every device, and measures it where it works, under half a second each: products of two 512×512
 * matrices, as for the backends. The runtime's GPU libraries may write warnings of their own to stderr.
 */
export async function probeRuntime(): Promise<BackendProbe[]> {
  const probes: BackendProbe[] = [];
  for (const { name, options, advice } of PROBED) probes.push(await probe(name, options, advice));
  return probes;
}

async function probe(name: string, options: RuntimeOptions, advice: string | null): Promise<BackendProbe> {
  try {
    const runtime = await openRuntime(options);
    const description = `${runtime.description}, ${runtime.precision}`;
    return { name, description, available: true, ...(await measure(runtime, 512)), advice: null };
  } catch (error) {
    if (!isMfError(error)) throw error;
    const missing = { available: false, forward_gflops: null, backward_gflops: null };
    return { name, description: error.message, ...missing, advice: error.code === "MF_RUNTIME_API" ? advice : null };
  }
}

/** With a·b alone, and with the gradients of it for both, which are two products more. */
async function measure(runtime: Runtime, size: number): Promise<{ forward_gflops: number; backward_gflops: number }> {
  const gigaflop = (2 * size ** 3) / 1e9;
  return {
    forward_gflops: gigaflop / (await bestTime(runtime, size, ["c"])),
    backward_gflops: (3 * gigaflop) / (await bestTime(runtime, size, ["c", "da", "db"])),
  };
}

/** Seconds of the best run out of as many as fit into 150 ms. */
async function bestTime(runtime: Runtime, size: number, results: readonly ("c" | "da" | "db")[]): Promise<number> {
  const { input, matmul } = createBuilder();
  const [a, b] = [input("a", [size, size]), input("b", [size, size])];
  const products = { c: matmul(a, b), da: matmul(a, b, false, true), db: matmul(a, a, true, false) };
  const outputs = Object.fromEntries(results.map((name) => [name, products[name]]));
  const session = await runtime.createSession(toOnnx({ inputs: [a, b], outputs }).bytes, "the probe");

  const heap = { buffer: new ArrayBuffer(5 * 4 * size * size) };
  new Float32Array(heap.buffer).forEach((_, i, values) => {
    values[i] = Math.sin(i);
  });
  const tensor = (index: number) =>
    ({ dtype: "float32", shape: [size, size], address: index * 4 * size * size }) as const;
  const bound = session.bind(
    heap,
    { a: tensor(0), b: tensor(1) },
    Object.fromEntries(results.map((name, i) => [name, tensor(2 + i)])),
  );
  let best = Number.POSITIVE_INFINITY;
  const start = performance.now();
  do {
    const before = performance.now();
    await bound.run();
    best = Math.min(best, performance.now() - before);
  } while (performance.now() - start < 150);
  bound.release();
  session.release();
  return best / 1000;
}
