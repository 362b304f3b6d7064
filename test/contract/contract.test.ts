import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { z } from "zod";
import { definePlugin, type PluginContext } from "../../core/plugin.ts";
import { contractChecks } from "../../core/testing/index.ts";
import { mapTree } from "../../core/tree.ts";

const plugin = (setup: (context: PluginContext) => void) => () =>
  definePlugin({ name: "mine", summary: "", options: z.strictObject({}), setup })();

/** Titles of the checks that a plugin does not pass. */
async function failures(setup: (context: PluginContext) => void): Promise<string[]> {
  const failed: string[] = [];
  for (const check of contractChecks(plugin(setup))) {
    await check.run().catch(() => failed.push(check.title));
  }
  return failed;
}

test("a plugin that does nothing keeps every promise", async () => {
  expect(await failures(() => {})).toEqual([]);
});

test("a tensor that a tap keeps is a leak", async () => {
  expect(
    await failures(({ hooks }) =>
      hooks.afterBackward.tap("mine", (grads) => {
        tf.keep(tf.scalar(1));
        return grads;
      }),
    ),
  ).toContain("ten steps leak no tensor");
});

test("host state outside memory is missed after a restore, and found when two runs share it", async () => {
  let shared = 0;
  expect(
    await failures(({ hooks, run }) => {
      hooks.onValidate.tap("mine", () => {
        shared += 1;
        run.requestStop(`validation ${shared}`);
      });
    }),
  ).toEqual(
    expect.arrayContaining([
      "two runs of one plugin share no state",
      "a run that is saved and restored goes on as if it had not stopped",
    ]),
  );
});

test("state that is a run's own but not in memory is missed after a restore only", async () => {
  expect(
    await failures(({ hooks, run }) => {
      let own = 0;
      hooks.onValidate.tap("mine", () => {
        own += 1;
        run.requestStop(`validation ${own}`);
      });
    }),
  ).toEqual(["a run that is saved and restored goes on as if it had not stopped"]);
});

test("a number of the clock in a transform is found, whether it enters as a tensor or as a kernel's attribute", async () => {
  const title = "no number that changes over time is baked into the step";
  expect(
    await failures(({ hooks, run }) =>
      hooks.afterBackward.tap("mine", (grads) => mapTree((g) => tf.mul(g, 1 / (1 + run.clock.steps)), grads)),
    ),
  ).toEqual([title]);
  expect(
    await failures(({ hooks, run }) =>
      hooks.afterBackward.tap("mine", (grads) => mapTree((g) => tf.clipByValue(g, -1, 1 + run.clock.steps), grads)),
    ),
  ).toEqual([title]);
});

test("a count of steps kept in a closure is found too", async () => {
  const failed = await failures(({ hooks }) => {
    let count = 0;
    hooks.onStep.tap("mine", () => {
      count += 1;
    });
    hooks.afterBackward.tap("mine", (grads) => mapTree((g) => tf.mul(g, 1 / (1 + count)), grads));
  });
  expect(failed).toContain("no number that changes over time is baked into the step");
});

test("the same number, declared as a scalar, keeps every promise", async () => {
  expect(
    await failures(({ hooks, scalar }) => {
      scalar("mine/decay", ({ steps }) => 1 / (1 + steps));
      hooks.afterBackward.tap("mine", (grads, step) => mapTree((g) => tf.mul(g, step.scalars["mine/decay"]!), grads));
    }),
  ).toEqual([]);
});
