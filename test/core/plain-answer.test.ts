import { beforeAll, expect, test } from "vitest";
import { float32, type HostTensor } from "../../core/data/host-tensor.ts";
import { useBackend } from "../../core/engine/backend.ts";
import { predictWith } from "../../core/inference.ts";
import type { Json } from "../../core/json.ts";
import { plainAnswer } from "../../core/plain-answer.ts";
import { energyParams, energyTask } from "./export/energy-task.ts";

beforeAll(() => useBackend("cpu"));

const { inference } = energyTask();
const ask = (inputs: Record<string, HostTensor>, options: Record<string, Json> = {}) =>
  plainAnswer(inference.inputs, predictWith(inference, energyParams()), { inputs, source: "in.json", options });
const observation = float32(Float32Array.of(0.1, 0.2, 0.3, 0.4), [2, 2]);

test("outputs come as lists, a value a row, with defaults for what is not given", async () => {
  const mode: HostTensor = { dtype: "int64", shape: [2], data: BigInt64Array.of(1n, 1n) };
  const action = float32(new Float32Array(4), [2, 2]);
  const full = (await ask({ observation, action, mode })) as { outputs: { energy: number[] } };
  expect(full.outputs.energy).toHaveLength(2);
  expect(await ask({ observation })).toEqual(full);
});

test("a single row may come without its batch", async () => {
  const one = { dtype: "float64", shape: [2], data: Float64Array.of(0.1, 0.2) } as const;
  const both = (await ask({ observation })) as { outputs: { energy: number[] } };
  expect(await ask({ observation: one })).toEqual({ outputs: { energy: [both.outputs.energy[0]] } });
});

test.each<[string, Record<string, HostTensor>, Record<string, Json>, string]>([
  ["a missing input", {}, {}, '"in.json": array "observation" [N, 2] is missing: where the hand is.'],
  ["another shape", { observation: float32(new Float32Array(6), [2, 3]) }, {}, "has shape [2, 3], not [2, 2]"],
  ["other rows", { observation, mode: { dtype: "int32", shape: [3], data: new Int32Array(3) } }, {}, "[3], not [2]"],
  ["NaN", { observation: float32(Float32Array.of(1, Number.NaN), [1, 2]) }, {}, "has NaN at row 0"],
  ["an option", { observation }, { samples: 2 }, "--samples: this model has no such option."],
])("%s is refused", async (_, inputs, options, message) => {
  await expect(ask(inputs, options)).rejects.toThrow(message);
});
