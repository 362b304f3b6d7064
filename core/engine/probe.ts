import { readFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { isMfError } from "../errors.ts";
import { type BackendName, type BackendOptions, useBackend } from "./backend.ts";

export interface BackendProbe {
  /** `cpu`, `wasm`, `wasm + BLAS` or `tensorflow`. */
  readonly name: string;
  /** What is active when it is usable, as `useBackend` describes it; else why it is not. */
  readonly description: string;
  readonly available: boolean;
  /** A product of two 512×512 matrices (256×256 on `cpu`), and the same with its gradient; null when not available. */
  readonly forward_gflops: number | null;
  readonly backward_gflops: number | null;
  /** What to do for a faster one; null when there is nothing. */
  readonly advice: string | null;
}

/** Where a run happens, for its manifest and for `mf doctor`. */
export interface Environment {
  readonly motionforge: string;
  readonly node: string;
  readonly tfjs: string;
  readonly platform: string;
  readonly arch: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gib: number;
}

export function environment(): Environment {
  return {
    motionforge: ownVersion(),
    node: process.versions.node,
    tfjs: tf.version_core,
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory_gib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
  };
}

/** package.json is two folders up from the source and three from the built file. */
function ownVersion(): string {
  for (const up of ["../../", "../../../"]) {
    try {
      const found = JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), "utf8"));
      if (found.name === "motionforge") return found.version;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  return "unknown";
}

const PROBED: readonly { name: string; backend: BackendName; options: BackendOptions }[] = [
  { name: "cpu", backend: "cpu", options: {} },
  { name: "wasm", backend: "wasm", options: { blas: false } },
  { name: "wasm + BLAS", backend: "wasm", options: {} },
  { name: "tensorflow", backend: "tensorflow", options: {} },
];

/** Measures every backend, under a second each. The one that was probed last and works is active afterwards. */
export async function probeBackends(): Promise<BackendProbe[]> {
  const probes: BackendProbe[] = [];
  for (const { name, backend, options } of PROBED) probes.push(await probe(name, backend, options));
  return probes;
}

async function probe(name: string, backend: BackendName, options: BackendOptions): Promise<BackendProbe> {
  const missing = (description: string, advice: string | null): BackendProbe => ({
    name,
    description,
    available: false,
    forward_gflops: null,
    backward_gflops: null,
    advice,
  });
  try {
    const active = await useBackend(backend, options);
    if (name === "wasm + BLAS" && active.blas === null) {
      if (process.env["MF_BLAS"] === "off") return missing("switched off by MF_BLAS=off", "unset MF_BLAS");
      return missing("no BLAS library with koffi", INSTALL_BLAS[process.platform] ?? null);
    }
    return {
      name,
      description: active.description,
      available: true,
      ...(await measure(active.name === "cpu" ? 256 : 512)),
      advice: null,
    };
  } catch (error) {
    if (!isMfError(error)) throw error;
    // The message already says how to install it.
    return missing(error.message, null);
  }
}

const INSTALL_BLAS: Partial<Record<NodeJS.Platform, string>> = {
  linux: "apt install libopenblas0-pthread && npm i koffi",
  darwin: "npm i koffi",
  win32: "npm i koffi, and MF_BLAS_LIB=<path of libopenblas.dll>",
};

async function measure(size: number): Promise<{ forward_gflops: number; backward_gflops: number }> {
  const values = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
  const a = tf.tensor2d(values, [size, size]);
  const b = tf.tensor2d(values, [size, size]);
  const gradients = tf.grads((x, y) => tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D));
  try {
    const forward = await bestTime(() => tf.matMul(a, b));
    const both = await bestTime(() => gradients([a, b], a)[0]!);
    const gigaflop = (2 * size ** 3) / 1e9;
    return { forward_gflops: gigaflop / forward, backward_gflops: (3 * gigaflop) / both };
  } finally {
    tf.dispose([a, b]);
  }
}

/** Seconds of the best run out of as many as fit into 150 ms, the result's arrival in JavaScript included. */
async function bestTime(run: () => tf.Tensor): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const start = performance.now();
  do {
    const before = performance.now();
    const result = tf.tidy(run);
    await result.data();
    result.dispose();
    best = Math.min(best, performance.now() - before);
  } while (performance.now() - start < 150);
  return best / 1000;
}
