import { isMfError } from "../errors.ts";
import { graphErrors } from "../graph/errors.ts";
import { runtimeAvailable } from "../graph/runtime/package.ts";
import { type Device, openRuntime } from "../graph/runtime/runtime.ts";
import type { Log } from "../plugin.ts";
import type { Predict } from "../task.ts";
import { createDeviceEngine } from "./device.ts";
import { createEagerEngine } from "./eager.ts";
import type { Engine } from "./engine.ts";
import { createGraphEngine, type GraphEngine } from "./graph.ts";
import { createPredictor, type Predictor } from "./predictor.ts";
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
  if (device !== "cpu") {
    // Evaluation stays in float32, on the processor.
    return createDeviceEngine(await openRuntime({ device }), createPredictor(await openRuntime(), log));
  }
  if (name === "graph") return createGraphEngine(await openRuntime(), log);
  if (tensorMemory() === null) return createEagerEngine();
  const available = await runtimeAvailable();
  if (!available.ok) {
    log.info(`Running eagerly: ${available.reason}`);
    return createEagerEngine();
  }
  return withFallback(createGraphEngine(await openRuntime(), log), log);
}

/** Inference of a model that is only asked: on the engine, opened at the first question; eagerly where there is none. */
export function openPredictor(name: EngineName, log: Log): Predictor {
  let engine: Promise<Engine> | null = null;
  return {
    predictWith(inference, params) {
      let predict: Promise<Predict> | null = null;
      return async (inputs) => {
        engine ??= openEngine(name === "eager" ? "eager" : "auto", "cpu", log);
        predict ??= engine.then((opened) => opened.predictWith(inference, params));
        return (await predict)(inputs);
      };
    },
    dispose: async () => (await engine)?.dispose(),
  };
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
    predictWith: (inference, params) => engine.predictWith(inference, params),
    dispose: () => engine.dispose(),
  };
}
