import { toHost } from "../checkpoint/snapshot.ts";
import { isMfError } from "../errors.ts";
import { inferenceModel, runInference } from "../graph/inference.ts";
import { openCpuFusions } from "../graph/onnx/fusions.ts";
import type { Runtime, Session } from "../graph/runtime/runtime.ts";
import { inPieces, predictWith } from "../inference.ts";
import type { Log } from "../plugin.ts";
import type { Inference, Predict } from "../task.ts";
import type { Tree } from "../tree.ts";

/** Runs inference functions; each is compiled once, when it is first asked. */
export interface Predictor {
  predictWith(inference: Inference, params: Tree): Predict;
  dispose(): Promise<void> | void;
}

/**
 * Compiles inference functions for a runtime, with the parameters as inputs of the graph. One that cannot be recorded
 * or compiled runs eagerly, and `log` is told why.
 */
export function createPredictor(runtime: Runtime, log?: Log): Predictor {
  const compiled = new Map<Inference, Promise<Session | null>>();
  const open: Session[] = [];
  const compile = async (inference: Inference, params: Tree): Promise<Session | null> => {
    if (inference.untraceable !== undefined) {
      log?.info(`Inference runs eagerly: ${inference.untraceable}.`);
      return null;
    }
    try {
      const { bytes } = inferenceModel(inference, params, { name: "inference", fusions: openCpuFusions });
      const session = await runtime.createSession(bytes, "the inference function");
      open.push(session);
      return session;
    } catch (error) {
      if (!isMfError(error)) throw error;
      log?.info(`Inference runs eagerly: ${error.message}`);
      return null;
    }
  };

  return {
    predictWith(inference, params) {
      const eagerly = predictWith(inference, params);
      const values = toHost(params);
      return async (inputs) => {
        const found = compiled.get(inference) ?? compile(inference, params);
        compiled.set(inference, found);
        const session = await found;
        return session === null
          ? eagerly(inputs)
          : inPieces((rows) => runInference(session, { ...values, ...rows }))(inputs);
      };
    },
    dispose() {
      for (const session of open.splice(0)) session.release();
      compiled.clear();
    },
  };
}
