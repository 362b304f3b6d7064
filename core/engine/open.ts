import { isMfError } from "../errors.ts";
import { graphErrors } from "../graph/errors.ts";
import { runtimeAvailable } from "../graph/runtime/package.ts";
import { type Device, openRuntime } from "../graph/runtime/runtime.ts";
import type { Log } from "../plugin.ts";
import { createDeviceEngine } from "./device.ts";
import { createEagerEngine } from "./eager.ts";
import type { Engine } from "./engine.ts";
import { createGraphEngine, type GraphEngine } from "./graph.ts";
import { tensorMemory } from "./wasm-memory.ts";

/** `auto` is the graph engine where ONNX Runtime is installed and the step can be recorded, else the eager one. */
export type EngineName = "auto" | "graph" | "eager";

/**
 * Opens an engine for the backend in use. `graph` throws what keeps it from working (MF_RUNTIME_MISSING,
 * MF_DEVICE_MISSING, MF_ENGINE_BACKEND); `auto` says it once and goes on eagerly, unless another device is asked for.
 */
export async function openEngine(name: EngineName, device: Device, log: Log): Promise<Engine> {
  if (name === "eager") {
    if (device !== "cpu") throw graphErrors.MF_DEVICE_ENGINE({ device });
    return createEagerEngine();
  }
  if (device !== "cpu") return createDeviceEngine(await openRuntime({ device }));
  if (name === "graph") return createGraphEngine(await openRuntime());
  if (tensorMemory() === null) return createEagerEngine();
  const available = await runtimeAvailable();
  if (!available.ok) {
    log.info(`Running eagerly: ${available.reason}`);
    return createEagerEngine();
  }
  return withFallback(createGraphEngine(await openRuntime()), log);
}

/** Goes on eagerly from the first step that cannot be recorded or compiled. */
function withFallback(graph: GraphEngine, log: Log): Engine {
  let engine: Engine = graph;
  return {
    get name() {
      return engine.name;
    },
    get description() {
      return engine.description;
    },
    async run(program, state, micro, exchange) {
      if (engine === graph) {
        try {
          await graph.prepare(program, state, micro, exchange);
        } catch (error) {
          if (!isMfError(error)) throw error;
          log.warn(`${error.message} Running eagerly.`);
          graph.dispose();
          engine = createEagerEngine();
        }
      }
      return engine.run(program, state, micro, exchange);
    },
    sync: () => engine.sync(),
    dispose: () => engine.dispose(),
  };
}
