import { expect } from "vitest";
import type { Node } from "../../../../core/graph/node.ts";
import { planTail, type StatePair, type TailPlan } from "../../../../core/graph/tail/plan.ts";
import { compileTail } from "../../../../core/graph/tail/wasm.ts";
import { Memory } from "../../../../core/graph/tail/webassembly.ts";
import { interpret, type Values } from "./interpreter.ts";

export type Inputs = Readonly<Record<string, Values>>;

const GUARD = 12345.5;
const GUARD_FLOATS = 5;

/**
 * The state after one step: the tail compiled, everything before it and the rest interpreted. Tensors lie between guard
 * words, which must survive, at addresses aligned to their elements only.
 */
export function runStep(plan: TailPlan, state: readonly StatePair[], inputs: Inputs): Record<string, Values> {
  const old = (name: string) => inputs[String(state.find((pair) => pair.name === name)!.before.attrs["name"])]!;
  const contents = [...plan.state.map(old), ...plan.frontier.map((node) => interpret(node, inputs))];
  const memory = new Memory({ initial: 1 });
  const heap = new Float32Array(memory.buffer).fill(GUARD);
  let free = GUARD_FLOATS;
  const starts = contents.map((values) => {
    const start = free;
    heap.set(values, start);
    free += values.length + GUARD_FLOATS;
    return start;
  });
  const scalars = plan.scalars.map((node) => interpret(node, inputs)[0]!);
  compileTail(plan, memory).run(
    starts.map((start) => 4 * start),
    scalars,
  );

  const read = (index: number): Values =>
    Array.from(heap.subarray(starts[index]!, starts[index]! + contents[index]!.length));
  for (const [i] of plan.frontier.entries()) expectSame(read(plan.state.length + i), contents[plan.state.length + i]!);
  for (const [i, start] of [...starts, free].entries())
    expect(heap.subarray(start - GUARD_FLOATS, start), `before tensor ${i}`).toEqual(
      new Float32Array(GUARD_FLOATS).fill(GUARD),
    );
  const after = Object.fromEntries(state.map(({ name }) => [name, old(name)]));
  for (const [i, name] of plan.state.entries()) after[name] = read(i);
  for (const pair of plan.rest) after[pair.name] = interpret(pair.after, inputs);
  return after;
}

/** Checks a step against its definition, bit for bit; returns the plan. */
export function expectStep(state: readonly StatePair[], barrier: readonly Node[], inputs: Inputs): TailPlan {
  const plan = planTail(state, { barrier: new Set(barrier) });
  const after = runStep(plan, state, inputs);
  for (const pair of state) expectSame(after[pair.name]!, interpret(pair.after, inputs), pair.name);
  return plan;
}

/** Equal bits, where all NaN are one. */
export function expectSame(got: Values, wanted: Values, what = "values"): void {
  expect(got, what).toHaveLength(wanted.length);
  for (const [i, w] of wanted.entries()) expect(got[i], `${what}[${i}]`).toBe(w);
}
