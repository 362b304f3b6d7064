import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { GradStage, LossStage } from "../../core/hooks.ts";
import { adam } from "../../core/optimizer/adam.ts";
import { definePlugin, type PluginContext } from "../../core/plugin.ts";
import { type Bench, createBench, useBackend } from "../../core/testing/index.ts";
import { mapTree } from "../../core/tree.ts";

beforeAll(async () => void (await useBackend("cpu")));

const mine = (setup: (context: PluginContext) => unknown, name = "mine") =>
  definePlugin({ name, summary: "", options: z.strictObject({}), setup })();
const weights = (bench: Bench): number[] => Array.from(bench.state.params["w"]!.dataSync());

test("one step of gradient descent on ‖w‖² from (3, 4) with rate 0.1 ends at (2.4, 3.2)", async () => {
  const bench = createBench([]);
  expect(await bench.step()).toMatchObject({ loss: 25, "loss/toy": 25 });
  expect(weights(bench)).toEqual([expect.closeTo(2.4, 5), expect.closeTo(3.2, 5)]);
});

test("four batches of two accumulated are one batch of eight", async () => {
  const targets = [0.3, -1, 2, 0.7, -0.2, 1.1, 5, -3];
  const run = async (batchSize: number, accumulate: number) => {
    const optimizer = adam({ lr: 0.1 });
    const bench = createBench([], undefined, { targets, optimizer, settings: { batchSize, accumulate } });
    const { loss } = await bench.steps(5);
    return { loss: loss!, w: weights(bench), samples: bench.clock.samples };
  };
  const whole = await run(8, 1);
  const parts = await run(2, 4);
  expect(parts.samples).toBe(whole.samples);
  expect(parts.loss).toBeCloseTo(whole.loss, 5);
  for (const [i, w] of whole.w.entries()) expect(Math.abs(parts.w[i]! - w)).toBeLessThan(1e-6);
});

test("whoever taps exchangeGradients sees the mean over the micro-batches, and decides what is applied", async () => {
  const seen: number[][] = [];
  const exchange = mine(({ hooks }) =>
    hooks.exchangeGradients.tapPromise("mine", async (grads) => {
      seen.push(Array.from(await grads["w"]!.data()));
      return { w: tf.tensor1d([1, 0]) };
    }),
  );
  const settings = { accumulate: 2 };
  const bench = createBench(exchange, undefined, { targets: [1, 2], settings });
  await bench.step();
  // 2·(3 − 1.5) and 2·(4 − 1.5)
  expect(seen).toEqual([[3, 5]]);
  expect(weights(bench)).toEqual([expect.closeTo(2.9, 6), 4]);
});

test("transforms of one hook run by stage, whatever the order of plugins", async () => {
  const order: string[] = [];
  const tap = (name: string, stage: number) =>
    mine(({ hooks }) => {
      hooks.afterBackward.tap({ name, stage }, (grads) => {
        order.push(name);
        return grads;
      });
    }, name);
  const plugins = [tap("clip", GradStage.Clip), tap("measure", GradStage.Measure), tap("unscale", GradStage.Unscale)];
  await createBench(plugins).step();
  expect(order).toEqual(["unscale", "measure", "clip"]);
});

test("afterLoss changes what is minimised; the reported terms are the raw ones", async () => {
  const half = mine(({ hooks }) =>
    hooks.afterLoss.tap({ name: "mine", stage: LossStage.Weight }, (losses) =>
      mapTree((loss) => tf.mul(loss, 0.5) as tf.Scalar, losses),
    ),
  );
  const bench = createBench(half);
  expect(await bench.step()).toMatchObject({ loss: 12.5, "loss/toy": 25 });
  expect(weights(bench)).toEqual([expect.closeTo(2.7, 5), expect.closeTo(3.6, 5)]);
});

test("beforeForward changes what the model sees, and the gradient follows", async () => {
  const doubled = mine(({ hooks }) =>
    hooks.beforeForward.tap("mine", (params) => mapTree((p) => tf.mul(p, 2), params)),
  );
  const bench = createBench(doubled);
  // ∇‖2w‖² = 8w
  expect((await bench.step())["loss"]).toBe(100);
  expect(weights(bench)).toEqual([expect.closeTo(0.6, 5), expect.closeTo(0.8, 5)]);
});

test("a scalar is computed from the clock before each step", async () => {
  const seen: number[] = [];
  const reads = mine(({ hooks, scalar }) => {
    scalar("mine/number", ({ steps }) => 10 + steps);
    hooks.afterBackward.tap("mine", (grads, step) => {
      step.report("number", step.scalars["mine/number"]!);
      return grads;
    });
  });
  const bench = createBench(reads);
  for (let i = 0; i < 3; i++) seen.push((await bench.step())["number"]!);
  expect(seen).toEqual([10, 11, 12]);
});

test("a misspelt scalar is an error that names the declared ones", async () => {
  const bench = createBench(
    mine(({ hooks, scalar }) => {
      scalar("mine/weight", () => 1);
      hooks.afterBackward.tap("mine", (grads, step) => mapTree((g) => tf.mul(g, step.scalars["mine/wieght"]!), grads));
    }),
  );
  await expect(bench.step()).rejects.toThrow('"mine/wieght", which nobody declared. Did you mean "mine/weight"?');
});

test("a fixed value is a plain number in the step, the one of the step's own time", async () => {
  const seen: number[] = [];
  const horizon = mine(({ hooks, fixed }) => {
    const length = fixed("horizon", ({ steps }) => (steps < 2 ? 8 : 14));
    hooks.afterBackward.tap("mine", (grads) => {
      seen.push(length());
      return grads;
    });
  });
  await createBench(horizon).steps(4);
  expect(seen).toEqual([8, 8, 14, 14]);
});

describe("slots", () => {
  const counting = () =>
    mine(({ hooks, slot }) => {
      const count = slot("count", () => tf.scalar(0));
      hooks.afterUpdate.tap("mine", (next, step) => {
        const more = tf.add(step.get(count), 1);
        step.put(count, more);
        step.report("count", more as tf.Scalar);
        return next;
      });
    });

  test("a slot is carried from step to step, under its plugin's name", async () => {
    const bench = createBench(counting());
    expect((await bench.steps(3))["count"]).toBe(3);
    expect(bench.state.slots["mine/count"]!.dataSync()[0]).toBe(3);
  });

  test("a slot comes back from a save", async () => {
    const bench = createBench(counting());
    await bench.steps(3);
    const saved = bench.save();
    const resumed = createBench(counting());
    resumed.load(saved);
    expect((await resumed.step())["count"]).toBe(4);
    expect(resumed.clock.steps).toBe(4);
  });

  test("a tree slot may start as the parameters themselves", async () => {
    const bench = createBench(
      mine(({ hooks, slotTree }) => {
        const old = slotTree("old", (params) => params);
        hooks.afterUpdate.tap("mine", (next, step) => {
          step.put(old, step.params);
          return next;
        });
      }),
    );
    await bench.steps(2);
    expect(Array.from(bench.state.slots["mine/old/w"]!.dataSync())).toEqual([
      expect.closeTo(2.4, 5),
      expect.closeTo(3.2, 5),
    ]);
    await bench.steps(2);
  });

  test("a put of another shape is refused", async () => {
    const bench = createBench(
      mine(({ hooks, slot }) => {
        const value = slot("value", () => tf.zeros([2]));
        hooks.afterUpdate.tap("mine", (next, step) => {
          step.put(value, tf.zeros([3]));
          return next;
        });
      }),
    );
    await expect(bench.step()).rejects.toThrow(
      'Slot "mine/value" was put with shape [3], but it was declared with [2]',
    );
  });

  test.each(["beforeForward", "afterLoss"] as const)("a put inside the tape (%s) is refused", async (hook) => {
    const bench = createBench(
      mine(({ hooks, slot }) => {
        const value = slot("value", () => tf.scalar(0));
        hooks[hook].tap("mine", ((x: unknown, step: { put(slot: unknown, value: unknown): void }) => {
          step.put(value, tf.scalar(1));
          return x;
        }) as never);
      }),
    );
    await expect(bench.step()).rejects.toThrow("MF_PUT_IN_TAPE");
  });
});

test.each(["dataSync", "arraySync", "data", "array", "bufferSync"] as const)(
  "reading a tensor (%s) in a transform is refused",
  async (call) => {
    const bench = createBench(
      mine(({ hooks }) =>
        hooks.afterBackward.tap("mine", (grads) => {
          (grads["w"] as unknown as Record<string, () => unknown>)[call]!();
          return grads;
        }),
      ),
    );
    await expect(bench.step()).rejects.toThrow("MF_STEP_READ");
    expect(tf.scalar(1).dataSync()[0]).toBe(1);
  },
);

test("Math.random and tf.random… in a transform are refused, and work again afterwards", async () => {
  const draws = (draw: () => unknown) =>
    createBench(
      mine(({ hooks }) =>
        hooks.beforeStep.tap("mine", (batch) => {
          draw();
          return batch;
        }),
      ),
    );
  await expect(draws(() => Math.random()).step()).rejects.toThrow("MF_STEP_RANDOM");
  await expect(draws(() => tf.randomNormal([2])).step()).rejects.toThrow("MF_STEP_RANDOM");
  expect(Math.random()).toBeLessThan(1);
});

test("step.random draws the same numbers for the same seed and step, and others for other ones", async () => {
  const noise = () =>
    mine(({ hooks }) =>
      hooks.beforeStep.tap("mine", (batch, step) => {
        step.report("draw", tf.sum(step.random.normal([4])) as tf.Scalar);
        return batch;
      }),
    );
  const draws = async (seed: number) => {
    const bench = createBench(noise(), undefined, { settings: { seed } });
    return [(await bench.step())["draw"], (await bench.step())["draw"]];
  };
  const [first, second] = await draws(1);
  expect(await draws(1)).toEqual([first, second]);
  expect(second).not.toBe(first);
  expect((await draws(2))[0]).not.toBe(first);
});

test("step.repeat runs a body n times and frees what it made on the way", async () => {
  const bench = createBench(
    mine(({ hooks }) =>
      hooks.beforeStep.tap("mine", (batch, step) => {
        const { x } = step.repeat(10, { x: tf.scalar(1) }, (state) => ({ x: tf.mul(state["x"]!, 2) }));
        step.report("power", x as tf.Scalar);
        return batch;
      }),
    ),
  );
  expect((await bench.step())["power"]).toBe(1024);
});

describe("a step that is not finite", () => {
  /** Turns the gradient of the second step into NaN. */
  const poison = () =>
    mine(({ hooks, scalar, slot }) => {
      const count = slot("count", () => tf.scalar(0));
      scalar("mine/poison", ({ steps }) => (steps === 1 ? 1 : 0));
      hooks.afterBackward.tap("mine", (grads, step) => {
        const finite = tf.sub(1, step.scalars["mine/poison"]!);
        step.put(count, tf.add(step.get(count), 1));
        return mapTree((g) => tf.div(tf.mul(g, finite), finite), grads);
      });
    });

  test("leaves parameters, optimizer and slots bit for bit as they were, and is counted", async () => {
    const bench = createBench(poison(), undefined, { optimizer: adam({ lr: 0.1 }) });
    await bench.step();
    const { tensors } = bench.save();
    await bench.step();
    expect(bench.save().tensors).toEqual(tensors);
    expect(bench.clock).toMatchObject({ steps: 2, skipped: 1 });
    await bench.step();
    expect(bench.save().tensors).not.toEqual(tensors);
  });

  test("does not advance the optimizer's bias correction: the next update is the one it would have been", async () => {
    const skipping = createBench(poison(), undefined, { optimizer: adam({ lr: 0.1 }) });
    await skipping.steps(3);
    const plain = createBench([], undefined, { optimizer: adam({ lr: 0.1 }) });
    await plain.steps(2);
    expect(weights(skipping)).toEqual(weights(plain));
  });

  test("leaks no tensor", async () => {
    const bench = createBench(poison());
    await bench.step();
    const before = tf.memory().numTensors;
    await bench.step();
    expect(tf.memory().numTensors).toBe(before);
  });
});

test("slots that a tap of afterUpdate returns are the next state's, and a put goes before them", async () => {
  const keeper = mine(({ hooks, slot }) => {
    const [returned, put] = [slot("returned", () => tf.scalar(0)), slot("put", () => tf.scalar(0))];
    hooks.afterUpdate.tap("mine", (next, step) => {
      step.put(put, tf.scalar(2));
      return { ...next, slots: { ...next.slots, [returned.path]: tf.scalar(1), [put.path]: tf.scalar(9) } };
    });
  });
  const bench = createBench(keeper);
  await bench.step();
  expect(mapTree((t) => t.dataSync()[0], bench.state.slots)).toEqual({ "mine/returned": 1, "mine/put": 2 });
});

test("step.repeat applies its body n times, with the count, and leaves nothing behind", async () => {
  const summing = mine(({ hooks }) => {
    hooks.afterBackward.tap("mine", (grads, step) => {
      const { x } = step.repeat(5, { x: tf.scalar(1) }, ({ x: old }, i) => ({ x: tf.add(tf.mul(old!, 2), i) }));
      step.report("x", x as tf.Scalar);
      return grads;
    });
  });
  const bench = createBench(summing);
  // 1 → 2 → 5 → 12 → 27 → 58, which is 2x + i for i in 0…4.
  expect((await bench.step())["x"]).toBe(58);
  const before = tf.memory().numTensors;
  await bench.steps(3);
  expect(tf.memory().numTensors).toBe(before);
});

test.each(["put", "report"] as const)("step.%s inside step.repeat is refused, with the plugin's name", async (call) => {
  const inside = mine(({ hooks, slot }) => {
    const last = slot("last", () => tf.scalar(0));
    hooks.beforeStep.tap("mine", (batch, step) => {
      step.repeat(3, { x: tf.scalar(1) }, ({ x }) => {
        if (call === "put") step.put(last, x!);
        else step.report("x", x as tf.Scalar);
        return { x: tf.add(x!, 1) };
      });
      return batch;
    });
  });
  const bench = createBench(inside);
  await expect(bench.step()).rejects.toMatchObject({
    code: "MF_IN_REPEAT",
    message: expect.stringContaining("(mine, beforeStep)"),
  });
});
