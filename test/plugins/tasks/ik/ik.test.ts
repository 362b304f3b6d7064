import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jvp } from "../../../../core/autodiff/jvp.ts";
import { readArrays } from "../../../../core/data/files.ts";
import { float32 } from "../../../../core/data/host-tensor.ts";
import { writeNpz } from "../../../../core/data/npz.ts";
import { useBackend } from "../../../../core/engine/backend.ts";
import { predictWith } from "../../../../core/inference.ts";
import type { Json } from "../../../../core/json.ts";
import { createStream } from "../../../../core/random.ts";
import { mapTree } from "../../../../core/tree.ts";
import {
  fileDataset,
  poseRows,
  posesFromRows,
  sampledDataset,
  samplePairs,
} from "../../../../plugins/tasks/ik/data.ts";
import { poseEvaluator } from "../../../../plugins/tasks/ik/evaluate.ts";
import { ikGenerator } from "../../../../plugins/tasks/ik/generate.ts";
import { answerWithJoints } from "../../../../plugins/tasks/ik/infer.ts";
import { networkSchema, velocityNetwork } from "../../../../plugins/tasks/ik/network.ts";
import { forwardKinematicsBatch } from "../../../../plugins/tasks/ik/robot/kinematics.ts";
import { loadRobot } from "../../../../plugins/tasks/ik/robot/load.ts";
import { solver } from "../../../../plugins/tasks/ik/solve.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-ik-"));
  await useBackend("wasm", { blas: false });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const panda = loadRobot("panda").chain;
const servo = { regime: "servo", sigma: 0.1 } as const;
const start = { epoch: 0, position: 0, seed: 0 };
const one = { steps: 1, velocity: "average" } as const;

describe("data", () => {
  test("a batch holds sources near their solutions, and the solutions' poses", async () => {
    const { batch } = await sampledDataset(panda, servo).read(start, 500);
    const { source, solution, pose } = batch;
    expect([source!.shape, solution!.shape, pose!.shape]).toEqual([
      [500, 7],
      [500, 7],
      [500, 7],
    ]);
    const gap = Math.sqrt(
      Array.from(source!.data).reduce((sum, q, i) => sum + (q - solution!.data[i]!) ** 2, 0) / source!.data.length,
    );
    expect(gap).toBeGreaterThan(0.09);
    expect(gap).toBeLessThan(0.105);
    const reached = poseRows(forwardKinematicsBatch(panda, Float64Array.from(solution!.data)));
    for (const [i, value] of pose!.data.entries()) expect(Math.abs(value - reached[i]!)).toBeLessThan(1e-5);
  });

  test("the same cursor gives the same batch, the next one another", async () => {
    const dataset = sampledDataset(panda, servo);
    const first = await dataset.read(start, 8);
    expect((await dataset.read(start, 8)).batch).toEqual(first.batch);
    expect((await dataset.read(first.next, 8)).batch).not.toEqual(first.batch);
  });

  test("UR10's solutions take the turn nearest their source", () => {
    const { chain } = loadRobot("ur10");
    const { sources, solutions } = samplePairs(chain, createStream(0, "t"), 500, { regime: "global", sigma: 0.1 });
    for (const [i, q] of solutions.entries()) {
      // The elbow spans one turn only, and has no choice.
      if (i % 6 !== 2) expect(Math.abs(q - sources[i]!)).toBeLessThanOrEqual(Math.PI + 1e-6);
    }
  });

  test("poses survive the way to rows and back; quaternions come back canonical", () => {
    const rows = [0.1, 0.2, 0.3, -2, 0, 0, 0];
    const poses = posesFromRows(rows, "here");
    expect([...poses.quaternions]).toEqual([1, 0, 0, 0].map((v) => expect.closeTo(v, 12)));
    expect([...poseRows(poses)].slice(0, 3)).toEqual([0.1, 0.2, 0.3].map((v) => expect.closeTo(v, 6)));
    expect(() => posesFromRows([0, 0, 0, 0, 0, 0, 0], "here")).toThrow("MF_IK_POSE");
  });

  test("a generated file trains: same arrays, same poses", async () => {
    const path = join(folder, "panda.npz");
    const shares: number[] = [];
    const made = await ikGenerator.generate({ robot: "panda", samples: 300 }, path, (share) => shares.push(share));
    expect(made).toMatchObject({ file: path, samples: 300 });
    expect(shares.at(-1)).toBe(1);
    const arrays = await readArrays(path);
    expect(mapTree((a) => [a.dtype, ...a.shape], arrays)).toEqual({
      q: ["float32", 300, 7],
      q_target: ["float32", 300, 7],
      target_pose: ["float32", 300, 7],
      r: ["float32", 300, 1],
      t: ["float32", 300, 1],
    });
    const dataset = await fileDataset(panda, path);
    expect(dataset.size).toBe(300);
    const { batch } = await dataset.read(start, 32);
    expect(batch["source"]!.shape).toEqual([32, 7]);
  });

  test.for([
    [
      "a wrong width",
      { q: [10, 6], q_target: [10, 7], target_pose: [10, 7] },
      null,
      /"q" has shape \[10, 6\], not \[\*, 7\]/,
    ],
    ["unequal lengths", { q: [10, 7], q_target: [9, 7], target_pose: [10, 7] }, null, /"q_target" has shape \[9, 7\]/],
    ["a missing array", { q: [10, 7], q_target: [10, 7] }, null, /"target_pose" is missing/],
    ["NaN", { q: [10, 7], q_target: [10, 7], target_pose: [10, 7] }, 71, /"q" has NaN at row 10|"q" has NaN at row/],
  ] as const)("a file with %s is refused by array and row", async ([, shapes, , message], { task }) => {
    const path = join(folder, `${task.id}.npz`);
    const wantsNaN = message.source.includes("NaN");
    const arrays = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const data = new Float32Array(shape[0] * shape[1]).fill(1);
        if (wantsNaN && name === "q") data[15] = Number.NaN;
        return [name, float32(data, shape)];
      }),
    );
    await writeNpz(path, arrays);
    await expect(fileDataset(panda, path)).rejects.toThrow(message);
  });
});

describe("the velocity network", () => {
  const options = networkSchema.parse({ width: 16, depth: 2, condition: 8, fourierFeatures: { count: 3 } });
  const model = velocityNetwork(panda, 0.1, options);
  const inputs = async (rows: number) => {
    const { batch } = await sampledDataset(panda, servo).read(start, rows);
    const random = createStream(0, "times");
    const r = random.uniforms(rows, 0, 0.5);
    return {
      z: tf.tensor2d(batch["source"]!.data as Float32Array, [rows, 7]),
      pose: tf.tensor2d(batch["pose"]!.data as Float32Array, [rows, 7]),
      r: tf.tensor2d(r, [rows, 1]),
      t: tf.tensor2d(
        r.map((x) => x + 0.4),
        [rows, 1],
      ),
    };
  };
  /** Fresh parameters with the zero-initialised layers shaken, so that every path carries signal. */
  const shaken = () => {
    const random = createStream(1, "shake");
    return mapTree(
      (p) => tf.add(p, tf.tensor(random.normals(p.size, 0, 0.1), p.shape)),
      model.init(createStream(0, "init")),
    );
  };

  test("starts as the flow that stands still, and returns [B, 7]", async () => {
    const u = model.apply(model.init(createStream(0, "init")), await inputs(4));
    expect(u.shape).toEqual([4, 7]);
    expect(tf.max(tf.abs(u)).dataSync()[0]).toBe(0);
  });

  test("has the tangent along (v, 1) that finite differences give", async () => {
    const params = shaken();
    const at = await inputs(6);
    const v = tf.tensor2d(createStream(2, "v").normals(42, 0, 0.1), [6, 7]);
    const f = (...[z, r]: tf.Tensor[]) => model.apply(params, { ...at, z: z!, r: r! });
    const { tangent } = jvp(f, [at.z, at.r], [v, tf.onesLike(at.r)]);
    const h = 2e-3;
    const moved = (by: number) => f(tf.add(at.z, tf.mul(v, by)), tf.add(at.r, by)).dataSync();
    const [before, after] = [moved(-h), moved(h)];
    const size = tf.max(tf.abs(tangent)).dataSync()[0]!;
    for (const [i, value] of tangent.dataSync().entries()) {
      expect(Math.abs(value - (after[i]! - before[i]!) / (2 * h))).toBeLessThan(5e-3 * size + 2e-3);
    }
  });

  test("tanh scaling bounds each joint by its range", async () => {
    const bounded = velocityNetwork(panda, 0.1, { ...options, tanhScaling: true });
    const params = mapTree((p) => tf.mul(p, 1e4), shaken());
    const u = bounded.apply(params, await inputs(4)).dataSync();
    for (const [i, value] of u.entries()) {
      const { lower, upper } = panda.joints[i % 7]!;
      expect(Math.abs(value)).toBeLessThanOrEqual(upper - lower + 1e-4);
    }
  });

  test("tanh scaling leaves a small velocity, and where its look-aheads lead, almost as it is", async () => {
    const params = mapTree((p) => tf.mul(p, 0.3), shaken());
    const at = await inputs(4);
    const free = model.apply(params, at).dataSync();
    const bounded = velocityNetwork(panda, 0.1, { ...options, tanhScaling: true })
      .apply(params, at)
      .dataSync();
    const largest = Math.max(...free.map(Math.abs));
    expect(largest).toBeGreaterThan(1e-3);
    expect(largest).toBeLessThan(0.3);
    // tanh(x) = x − x³/3, and the smallest range is 3 rad: under a percent.
    for (const [i, value] of bounded.entries()) expect(Math.abs(value - free[i]!)).toBeLessThan(0.01 * largest);
  });

  test("has about 18 million parameters at the first version's size", () => {
    const big = networkSchema.parse({ width: 1024, depth: 4, condition: 1024, poseError: false });
    const params = velocityNetwork(panda, 0.1, big).init(createStream(0, "init"));
    const count = Object.values(params).reduce((sum, p) => sum + p.size, 0);
    tf.dispose(params);
    expect(count).toBeGreaterThan(17.5e6);
    expect(count).toBeLessThan(18.5e6);
  });
});

describe("solving, measuring, answering", () => {
  /** A network that knows the answer for one pair: u = 0.01 everywhere. */
  const steady = { init: () => ({}), apply: (_: object, { z }: { z?: tf.Tensor }) => tf.fill(z!.shape, 0.01) };

  const predict = predictWith(solver(panda, steady, one, servo), {});

  test("one step adds u, k steps add it in k parts", async () => {
    const reference = float32(Float32Array.from([0, 0.1, 0.2, -1, 0.4, 2, 0.6]), [1, 7]);
    const pose = float32(Float32Array.of(0.5, 0, 0.4, 0, 1, 0, 0), [1, 7]);
    for (const steps of [1, 4]) {
      const inference = solver(panda, steady, { steps, velocity: "average" }, servo);
      const { joints, within_limits } = await predictWith(inference, {})({ pose, reference });
      expect([...joints!.data]).toEqual([...reference.data].map((value) => expect.closeTo(value + 0.01, 5)));
      expect(within_limits).toEqual({ dtype: "int32", shape: [1], data: Int32Array.of(1) });
    }
  });

  test("the network is asked with quaternions as in training, whatever their length and sign", async () => {
    const seen = {
      init: () => ({}),
      apply: (_: object, { pose }: { pose?: tf.Tensor }) => tf.reshape(tf.clone(pose!), [-1, 7]),
    };
    const rows = [
      [0.1, 0.2, 0.3, -2, 0, 0, 1],
      [0.1, 0.2, 0.3, 0, 0, -0.5, 0.5],
      [0.1, 0.2, 0.3, 1e-9, 3, 0, -4],
    ];
    const { joints } = await predictWith(
      solver(panda, seen, one, servo),
      {},
    )({
      pose: float32(Float32Array.from(rows.flat()), [3, 7]),
      reference: float32(
        Float32Array.from({ length: 21 }, (_, i) => [0, 0, 0, -2, 0, 1, 0][i % 7]!),
        [3, 7],
      ),
    });
    const poses = poseRows(posesFromRows(rows.flat(), "here"));
    const wanted = [...poses].map((value, i) => value + [0, 0, 0, -2, 0, 1, 0][i % 7]!);
    expect([...joints!.data]).toEqual(wanted.map((value) => expect.closeTo(value, 5)));
  });

  test("thousands of rows are solved in pieces, each as if alone", async () => {
    const { pose, reference } = solver(panda, steady, one, servo).examples(5000);
    const { joints } = await predict({ pose: pose!, reference: reference! });
    expect(joints!.shape).toEqual([5000, 7]);
    const last = (data: Float32Array | Int32Array) => float32(data.slice(-7) as Float32Array, [1, 7]);
    const alone = await predict({ pose: last(pose!.data), reference: last(reference!.data) });
    expect(alone["joints"]).toEqual(last(joints!.data));
  });

  test("the baselines of the evaluator are those of the literature's protocol, and no move is the distance", async () => {
    const evaluator = poseEvaluator(panda, { ...servo, poses: 1500, polish: 2 });
    const baselines = evaluator.baselines!() as Record<string, Record<string, number>>;
    expect(baselines["no_move"]!["position_error_mm"]).toBeGreaterThan(80);
    expect(baselines["no_move"]!["position_error_mm"]).toBeLessThan(90);
    expect(baselines["dls_1"]!["position_error_mm"]).toBeLessThan(17);
    expect(baselines["dls_2"]!["success"]).toBeGreaterThan(0.89);
    const measured = await evaluator.evaluate({}, predict, async () => ({}));
    expect(measured["polished_position_error_mm"]).toBeLessThan(measured["position_error_mm"]! / 10);
  });

  const ask = (inputs: Record<string, ReturnType<typeof float32>>, options: Record<string, Json> = {}) =>
    answerWithJoints(panda, predict, { inputs, source: "poses.json", options }, servo) as Promise<{
      joints: string[];
      solutions: { q: number[]; position_error_mm: number; orientation_error_deg: number; within_limits: boolean }[][];
    }>;
  const home = [0, -0.785, 0, -2.356, 0, 1.571, 0.785];
  const pose = () => float32(poseRows(forwardKinematicsBatch(panda, Float64Array.from(home))), [1, 7]);

  test("answers have the asked samples, errors and limit flags; polish removes the error", async () => {
    const reference = float32(
      Float32Array.from(home, (q) => q + 0.05),
      [1, 7],
    );
    const raw = await ask({ pose: pose(), reference }, { samples: 3 });
    expect(raw.joints).toHaveLength(7);
    expect(raw.solutions).toHaveLength(1);
    expect(raw.solutions[0]).toHaveLength(3);
    expect(raw.solutions[0]![0]!.q[0]).toBeCloseTo(0.06, 5);
    expect(raw.solutions[0]![0]!.within_limits).toBe(true);
    const polished = await ask({ pose: pose(), reference }, { polish: 5 });
    expect(polished.solutions[0]![0]!.position_error_mm).toBeLessThan(1e-3);
  });

  test("an answer outside the limits is clamped and says so", async () => {
    const reference = float32(
      Float32Array.from(panda.joints, (j) => j.upper),
      [1, 7],
    );
    const { solutions } = await ask({ pose: pose(), reference });
    const [answer] = solutions[0]!;
    expect(answer!.within_limits).toBe(false);
    expect(answer!.q[0]).toBeCloseTo(2.8973, 5);
    for (const [i, q] of answer!.q.entries()) expect(q).toBeLessThanOrEqual(panda.joints[i]!.upper);
  });

  test("what cannot be a request is refused with a reason", async () => {
    await expect(ask({})).rejects.toThrow("holds no poses");
    await expect(ask({ pose: float32(new Float32Array(6), [1, 6]) })).rejects.toThrow("[1, 6]");
    await expect(ask({ pose: float32(new Float32Array(7).fill(Number.NaN), [1, 7]) })).rejects.toThrow("NaN");
    await expect(ask({ pose: pose(), poses: pose() })).rejects.toThrow("mean the same");
    await expect(ask({ pose: pose() }, { samples: 0 })).rejects.toThrow("--samples must be a whole number ≥ 1");
    await expect(ask({ pose: pose(), reference: float32(new Float32Array(6), [1, 6]) })).rejects.toThrow("[1, 6]");
  });
});
