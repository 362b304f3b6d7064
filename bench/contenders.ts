import { fileURLToPath } from "node:url";
import type { Engine } from "../core/engine/engine.ts";
import type { Command } from "./command.ts";
import { forTwin, twinCommand } from "./peers/twin.ts";
import type { Workload } from "./workloads.ts";

export interface Contender {
  readonly name: string;
  /** What runs it, in a process of its own. Throws the reason where it cannot run. */
  command(workload: Workload): Command;
}

export interface OwnEngine {
  readonly engine: Engine;
  /** What computes, and on what. */
  readonly description: string;
}

// Imports where it runs, so that the process which only asks and prints stays small.
const eager = (blas: boolean) => async (): Promise<OwnEngine> => {
  const { useBackend } = await import("../core/engine/backend.ts");
  const { createEagerEngine } = await import("../core/engine/eager.ts");
  const backend = await useBackend("wasm", { blas });
  if (blas && backend.blas === null) throw new Error("no BLAS library with koffi");
  return { engine: createEagerEngine(), description: backend.description };
};

/** TensorFlow.js as it is shipped: without our kernels, and with its matrix product's own gradient. */
const stock = async (): Promise<OwnEngine> => {
  const { engine } = await eager(false)();
  const { setFastTransposedMatMul } = await import("../core/autodiff/gradients.ts");
  const { restoreKernel } = await import("../core/engine/wasm-heap.ts");
  for (const kernel of ["Identity", "Tile", "Sum", "Transpose", "GatherV2", "Tanh", "Sin", "Cos"])
    restoreKernel(kernel);
  setFastTransposedMatMul(true);
  return { engine, description: "wasm (SIMD), stock kernels" };
};

const graph = (api: "c" | "node") => async (): Promise<OwnEngine> => {
  const { useBackend } = await import("../core/engine/backend.ts");
  const { createGraphEngine } = await import("../core/engine/graph.ts");
  const { openRuntime } = await import("../core/graph/runtime/runtime.ts");
  await useBackend("wasm", { blas: false });
  const engine = createGraphEngine(await openRuntime({ api }));
  return { engine, description: engine.description };
};

const engines: Readonly<Record<string, () => Promise<OwnEngine>>> = {
  "graph, C API": graph("c"),
  "graph, node API": graph("node"),
  "eager wasm + BLAS": eager(true),
  "eager wasm": eager(false),
  "stock tfjs wasm": stock,
};

/** The engine of a contender of this project. Throws where it cannot run. */
export const createEngine = (name: string): Promise<OwnEngine> => engines[name]!();

/** The columns of the table, in order; ratios are to the first that runs. */
export const contenders: readonly Contender[] = [
  ...Object.keys(engines).map((name) => ({
    name,
    command: (workload: Workload): Command => ({
      file: process.execPath,
      args: [
        "--import",
        import.meta.resolve("tsx"),
        fileURLToPath(import.meta.resolve("./child.ts")),
        name,
        JSON.stringify(workload),
      ],
      env: {},
    }),
  })),
  { name: "PyTorch eager", command: (workload) => twinCommand([forTwin(workload)]) },
];
