import { beforeAll, expect, test } from "vitest";
import type { Evaluator } from "../../../core/task.ts";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { pictures } from "../../../plugins/loggers/pictures/index.ts";
import { plugin } from "../../core/engine/engines.ts";

beforeAll(async () => void (await useBackend("cpu")));

/** An evaluator that writes the parameters into its picture. */
const drawing = (render: NonNullable<Evaluator["render"]>) =>
  plugin("drawing", ({ evaluator }) => evaluator({ name: "drawing", evaluate: () => ({}), render }));

const weights = drawing((params) => ({ "weights.svg": `<svg>${params["w"]!.dataSync()}</svg>` }));

test("after a validation the evaluators' pictures of the present weights are published", async () => {
  const bench = createBench([pictures(), weights]);
  await bench.start();
  await bench.step();
  await bench.validate({});
  const [item, ...others] = bench.media;
  expect(item).toMatchObject({ kind: "image", name: "val/weights", step: 1, svg: expect.stringMatching(/^<svg>2\.4/) });
  expect(others).toEqual([]);
});

test("between two there is at least the interval, also after a restart", async () => {
  const plugins = () => [pictures({ every: "4 steps" }), weights];
  const bench = createBench(plugins());
  await bench.start();
  for (let i = 0; i < 6; i++) {
    await bench.step();
    await bench.validate({});
  }
  expect(bench.media.map(({ step }) => step)).toEqual([4]);
  const resumed = createBench(plugins());
  resumed.load(bench.save());
  await resumed.start("a checkpoint");
  for (let i = 0; i < 3; i++) {
    await resumed.step();
    await resumed.validate({});
  }
  expect(resumed.media.map(({ step }) => step)).toEqual([8]);
});

test("a picture that cannot be drawn costs the pictures, not the run, and the person is told once", async () => {
  const broken = drawing(() => Promise.reject(new Error("no ink")));
  const bench = createBench([pictures(), broken]);
  await bench.start();
  for (let i = 0; i < 3; i++) {
    await bench.step();
    await bench.validate({});
  }
  expect(bench.media).toEqual([]);
  expect(bench.messages).toEqual(["pictures draws nothing in this run: no ink"]);
});

test("a task whose evaluators draw nothing is named once", async () => {
  const bench = createBench(pictures());
  await bench.start();
  for (let i = 0; i < 2; i++) {
    await bench.step();
    await bench.validate({});
  }
  expect(bench.messages).toEqual([
    expect.stringMatching(/^pictures draws nothing in this run: No evaluator of the task "toy" draws pictures/),
  ]);
});
