import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { inferenceToOnnx } from "../../../../core/export/onnx.ts";
import { verify } from "../../../../core/export/verify.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { predictWith } from "../../../../core/inference.ts";
import { createStream } from "../../../../core/random.ts";
import { mapTree, type Tree } from "../../../../core/tree.ts";
import { networkSchema, velocityNetwork } from "../../../../plugins/tasks/ik/network.ts";
import { loadRobot } from "../../../../plugins/tasks/ik/robot/load.ts";
import { solver } from "../../../../plugins/tasks/ik/solve.ts";

beforeAll(() => useBackend("wasm", { blas: false }));

/** Moves every parameter, so that layers that start at zero carry signal. */
const shaken = (params: Tree): Tree => {
  const random = createStream(1, "shake");
  return mapTree((p) => tf.add(p, tf.tensor(random.normals(p.size, 0, 0.1), p.shape)), params);
};

test.each([
  ["panda", {}, { steps: 1, velocity: "average" }, "servo"],
  ["panda", { lookAheads: 2, tanhScaling: true }, { steps: 4, velocity: "average" }, "global"],
  ["ur10", { fourierFeatures: { count: 3 } }, { steps: 3, velocity: "instantaneous" }, "servo"],
  ["ur10e", { poseError: false }, { steps: 2, velocity: "average" }, "servo"],
] as const)("%s with %j, solved in %j, is the same in ONNX Runtime", async (robot, network, solve, regime) => {
  const { chain } = loadRobot(robot);
  const options = networkSchema.parse({ width: 16, depth: 2, condition: 8, ...network });
  const model = velocityNetwork(chain, 0.1, options);
  const inference = solver(chain, model, solve, { regime, sigma: 0.1 });
  const params = shaken(model.init(createStream(0, "init")));
  const { bytes, histogram } = inferenceToOnnx(
    { name: "ik", model, dataset: () => new Promise(() => {}), inference },
    params,
  );
  const found = await verify(bytes, await openRuntime({ threads: 1 }), inference, predictWith(inference, params));
  expect(found.maxRelative).toBeLessThan(1e-5);
  expect(found.maxAbsolute).toBeGreaterThan(0);
  expect(histogram["LayerNormalization"]).toBeGreaterThan(0);
});
