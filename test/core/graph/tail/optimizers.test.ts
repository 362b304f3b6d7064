import { describe, expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import type { BinaryOp, Node } from "../../../../core/graph/node.ts";
import { planTail, type StatePair } from "../../../../core/graph/tail/plan.ts";
import { expectSame, runStep } from "./step.ts";

const f = Math.fround;
const build = createBuilder([]);
const op = (name: BinaryOp, a: Node, b: Node) => build.binary(name, a, b);
const number = (x: number) => build.splat(x, []);
const scalar = (name: string) => build.input(name, []);

/** Irregular numbers of both signs over several magnitudes. */
const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => f(Math.sin(seed + 1.7 * i) * 10 ** (((i + seed) % 4) - 2)));

const counts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 131];
const inputsOf = (count: number) => ({
  p: numbers(count, 1),
  m: numbers(count, 2),
  v: numbers(count, 3).map(Math.abs),
  average: numbers(count, 4),
  g: numbers(count, 5),
  lr: [f(3e-3)],
  rate: [f(2.7e-3)],
  epsilon: [f(1e-8)],
  keep: [f(1 - 1e-5)],
  clip: [f(0.37)],
  share: [f(0.01)],
});

function tensors(count: number) {
  const [p, m, v, average, g] = ["p", "m", "v", "average", "g"].map((name) => build.input(name, [count])) as [
    Node,
    Node,
    Node,
    Node,
    Node,
  ];
  return { p, m, v, average, g };
}

const pair = (name: string, before: Node, after: Node): StatePair => ({ name, before, after });

/** One kernel does it all, and gives what `formula` gives for each element. */
function expectFused(
  state: readonly StatePair[],
  gradient: Node,
  count: number,
  formula: (i: number) => Readonly<Record<string, number>>,
): void {
  const plan = planTail(state, { barrier: new Set([gradient]) });
  expect(plan.kernels).toHaveLength(1);
  expect(plan.rest).toEqual([]);
  expect(plan.frontier).toEqual([gradient]);
  const after = runStep(plan, state, inputsOf(count));
  const wanted = Array.from({ length: count }, (_, i) => formula(i));
  for (const { name } of state)
    expectSame(
      after[name]!,
      wanted.map((w) => w[name]!),
      name,
    );
}

describe.each(counts)("%i elements", (count) => {
  const { p, m, v, average, g } = tensors(count);
  const inputs = inputsOf(count);
  const at = (name: keyof typeof inputs, i = 0) => inputs[name][i]!;

  test("sgd", () => {
    const next = op("Sub", p, op("Mul", scalar("lr"), g));
    expectFused([pair("p", p, next)], g, count, (i) => ({ p: f(at("p", i) - f(at("lr") * at("g", i))) }));
  });

  test("sgd with momentum, and Nesterov's", () => {
    const moment = op("Add", op("Mul", m, number(0.9)), g);
    const direction = op("Add", g, op("Mul", moment, number(0.9)));
    const step = (along: Node) => op("Sub", p, op("Mul", scalar("lr"), along));
    const momentOf = (i: number) => f(f(at("m", i) * f(0.9)) + at("g", i));
    const stepOf = (i: number, along: number) => f(at("p", i) - f(at("lr") * along));
    expectFused([pair("p", p, step(moment)), pair("m", m, moment)], g, count, (i) => ({
      p: stepOf(i, momentOf(i)),
      m: momentOf(i),
    }));
    expectFused([pair("p", p, step(direction)), pair("m", m, moment)], g, count, (i) => ({
      p: stepOf(i, f(at("g", i) + f(momentOf(i) * f(0.9)))),
      m: momentOf(i),
    }));
  });

  test("clip, AdamW and a moving average of the weights", () => {
    const clipped = op("Mul", g, scalar("clip"));
    const moment = op("Add", op("Mul", m, number(0.9)), op("Mul", clipped, number(0.1)));
    const second = op("Add", op("Mul", v, number(0.999)), op("Mul", op("Mul", clipped, clipped), number(0.001)));
    const quotient = op("Div", moment, op("Add", build.unary("Sqrt", second), scalar("epsilon")));
    const next = op("Sub", op("Mul", p, scalar("keep")), op("Mul", scalar("rate"), quotient));
    const nextAverage = op("Add", average, op("Mul", scalar("share"), op("Sub", next, average)));
    const state = [
      pair("p", p, next),
      pair("m", m, moment),
      pair("v", v, second),
      pair("average", average, nextAverage),
    ];
    expectFused(state, g, count, (i) => {
      const gradient = f(at("g", i) * at("clip"));
      const mNew = f(f(at("m", i) * f(0.9)) + f(gradient * f(0.1)));
      const vNew = f(f(at("v", i) * f(0.999)) + f(f(gradient * gradient) * f(0.001)));
      const root = f(f(Math.sqrt(vNew)) + at("epsilon"));
      const pNew = f(f(at("p", i) * at("keep")) - f(at("rate") * f(mNew / root)));
      return { p: pNew, m: mNew, v: vNew, average: f(at("average", i) + f(at("share") * f(pNew - at("average", i)))) };
    });
  });
});
