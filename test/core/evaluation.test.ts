import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { render } from "../../core/evaluation.ts";
import { predictOf, predictWith } from "../../core/inference.ts";
import { definePlugin, type Plugin } from "../../core/plugin.ts";
import type { Evaluator } from "../../core/task.ts";
import { createBench, toyTask, useBackend } from "../../core/testing/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

const measuring = (name: string, draws?: Evaluator["render"]): Plugin =>
  definePlugin({
    name,
    summary: "",
    options: z.strictObject({}),
    setup: ({ evaluator }) =>
      evaluator({ name: `${name}-evaluator`, evaluate: () => ({}), ...(draws === undefined ? {} : { render: draws }) }),
  })();

async function drawn(...plugins: readonly Plugin[]): Promise<Record<string, string>> {
  const { assembly, state, dispose } = createBench([toyTask([1]), ...plugins]);
  try {
    return await render(assembly, state.params, predictOf(assembly.task, state.params, { predictWith }));
  } finally {
    await dispose();
  }
}

test("the pictures of all evaluators, of these parameters; a name that two have tells whose it is", async () => {
  const first = measuring("first", (params) => ({ "weights.svg": String(params["w"]!.shape) }));
  const second = measuring("second", async () => ({ "weights.svg": "later", "more.svg": "more" }));
  expect(await drawn(first, measuring("silent"), second)).toEqual({
    "weights.svg": "2",
    "second-evaluator-weights.svg": "later",
    "more.svg": "more",
  });
});

test("where no evaluator draws, that is said", async () => {
  await expect(drawn(measuring("silent"))).rejects.toThrow(/MF_RENDER_NONE/);
  await expect(drawn()).rejects.toThrow("there is none");
});
