import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { registerGradients, setFastTransposedMatMul } from "../autodiff/gradients.ts";
import { errors } from "../errors.ts";
import { installBlas, uninstallBlas } from "./native-blas.ts";
import { installWasmKernels } from "./wasm-kernels.ts";

/** What a user may ask for; `auto` takes the fastest that works here: tensorflow, else wasm, else cpu. */
export type BackendName = "auto" | "tensorflow" | "wasm" | "cpu";

export interface BackendOptions {
  /** False keeps the wasm backend's own matrix product; so does the environment variable `MF_BLAS=off`. */
  readonly blas?: boolean;
  /** Threads of the BLAS library; all cores if left out. */
  readonly threads?: number;
}

export interface ActiveBackend {
  readonly name: "tensorflow" | "wasm" | "cpu";
  /** One line for a person, such as `wasm (SIMD), matmul on OpenBLAS SkylakeX, 2 threads`. */
  readonly description: string;
  /** The BLAS library's name, or null when matrix products stay in the backend. */
  readonly blas: string | null;
}

/**
 * Makes one tfjs backend the current one, with its gradients registered and its console banner off; may be called again
 * to switch. The same inputs give the same bits for one backend, machine and thread count.
 * Throws `MF_BACKEND_MISSING` when a backend asked for by name is not usable.
 */
export async function useBackend(name: BackendName, options: BackendOptions = {}): Promise<ActiveBackend> {
  await loadTfjs();
  if (name === "tensorflow") return useTensorflow();
  if (name === "wasm") return useWasm(options);
  if (name === "cpu") return useCpu();
  for (const attempt of [useTensorflow, () => useWasm(options)]) {
    try {
      return await attempt();
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return useCpu();
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "MF_BACKEND_MISSING";

async function loadTfjs(): Promise<void> {
  // PROD gates nothing in tfjs 4.22 but its warnings: the "Hi, looks like…" banner and re-registration notices.
  tf.env().set("PROD", true);
  await import("@tensorflow/tfjs");
  registerGradients();
}

async function useCpu(): Promise<ActiveBackend> {
  await tf.setBackend("cpu");
  setFastTransposedMatMul(true);
  return { name: "cpu", description: "cpu (plain JavaScript)", blas: null };
}

async function useWasm(options: BackendOptions): Promise<ActiveBackend> {
  try {
    const wasm = await import("@tensorflow/tfjs-backend-wasm");
    if (tf.findBackend("wasm") === null) wasm.setWasmPaths(wasmFolder());
    if (!(await withoutProcessListeners(() => tf.setBackend("wasm"))))
      throw new Error("its WebAssembly module did not start");
  } catch (cause) {
    throw errors.MF_BACKEND_MISSING(
      {
        backend: "wasm",
        reason: firstLine(cause),
        install: "Install it with: npm i @tensorflow/tfjs-backend-wasm@4.22.0, or use cpu.",
      },
      { cause },
    );
  }
  installWasmKernels();
  const simd = (await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")) ? "wasm (SIMD)" : "wasm";
  const blas = options.blas === false ? null : await installBlas(options.threads);
  if (blas === null) {
    uninstallBlas();
    setFastTransposedMatMul(false);
    return { name: "wasm", description: simd, blas: null };
  }
  setFastTransposedMatMul(true);
  const threads = blas.threads === null ? "" : `, ${blas.threads} ${blas.threads === 1 ? "thread" : "threads"}`;
  return { name: "wasm", description: `${simd}, matmul on ${blas.name}${threads}`, blas: blas.name };
}

/**
 * Runs `start` and takes away the process listeners it added. Emscripten's rethrow every uncaught error from inside its
 * own one-line bundle, which buries the message under a megabyte of source.
 */
async function withoutProcessListeners<T>(start: () => Promise<T>): Promise<T> {
  const events = ["uncaughtException", "unhandledRejection"] as const;
  const before = events.map((event) => new Set<unknown>(process.rawListeners(event)));
  const result = await start();
  for (const [i, event] of events.entries())
    for (const listener of process.rawListeners(event))
      if (!before[i]!.has(listener)) process.removeListener(event, listener as () => void);
  return result;
}

const wasmFolder = (): string =>
  join(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json")), "dist") + sep;

async function useTensorflow(): Promise<ActiveBackend> {
  // libtensorflow reads it when it is loaded; 2 keeps its errors and drops its start-up chatter.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "2";
  const reasons: string[] = [];
  // The package can be there without its native binary, and then throws on import.
  for (const specifier of ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"]) {
    try {
      await import(specifier);
      if (!(await tf.setBackend("tensorflow"))) throw new Error("libtensorflow did not start");
      setFastTransposedMatMul(true);
      return { name: "tensorflow", description: `tensorflow (${specifier})`, blas: null };
    } catch (cause) {
      reasons.push(`${specifier}: ${isNotInstalled(cause, specifier) ? "not installed" : firstLine(cause)}`);
    }
  }
  throw errors.MF_BACKEND_MISSING({
    backend: "tensorflow",
    reason: reasons.join("; "),
    install:
      "Install it with: npm i @tensorflow/tfjs-node --ignore-scripts=false (or tfjs-node-gpu; both download libtensorflow), or use wasm.",
  });
}

const isNotInstalled = (error: unknown, specifier: string): boolean =>
  error instanceof Error &&
  "code" in error &&
  (error.code === "ERR_MODULE_NOT_FOUND" || error.code === "MODULE_NOT_FOUND") &&
  error.message.includes(`'${specifier}'`);

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!.replace(/\.$/, "");
