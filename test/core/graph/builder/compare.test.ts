import { expect, test } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import { firstDifference } from "../../../../core/graph/compare.ts";
import type { Node } from "../../../../core/graph/node.ts";

type Recording = (build: Builder, x: Node, y: Node) => Node;

/** What differs between two recordings, and who recorded it. */
function difference(first: Recording, second: Recording): readonly [string, string | null] | null {
  const recorded = (f: Recording) => {
    let step = "core";
    const build = createBuilder([], () => step);
    const [x, y] = [build.input("x", [2]), build.input("y", [2])];
    build.splat(2, []);
    step = "plugin";
    return { result: f(build, x, y) };
  };
  const found = firstDifference(recorded(first), recorded(second));
  return found && [found.difference, found.node.origin];
}
const scaled =
  (factor: number): Recording =>
  (b, x) =>
    b.binary("Mul", x, b.splat(factor, []));
const table =
  (...values: number[]): Recording =>
  (b, x) =>
    b.binary("Mul", x, b.constant(Float32Array.from(values), [2], "float32"));

test("the same recording twice has no difference", () => {
  const looped: Recording = (b, x, y) => b.loop(3, [x], ([v]) => [b.binary("Add", v!, y)])[0]!;
  for (const recording of [scaled(2), table(1, 2), looped]) expect(difference(recording, recording)).toBe(null);
});

test("a number that changed is named, and whoever uses it rather than whoever had the same first", () => {
  expect(difference(scaled(3), scaled(2))).toEqual(["Splat value 3 became value 2", "plugin"]);
  expect(difference(scaled(Number.NaN), scaled(Number.POSITIVE_INFINITY))).toEqual([
    "Splat value NaN became value Infinity",
    "plugin",
  ]);
  expect(difference(table(1, 2), table(1, 3))).toEqual(["a constant [2] changed", "plugin"]);
});

test("another operation, operand, attribute or number of nodes is a difference", () => {
  const add: Recording = (b, x, y) => b.binary("Add", x, y);
  expect(difference(add, (b, x, y) => b.binary("Sub", x, y))).toEqual([
    "Add float32[2] became Sub float32[2]",
    "plugin",
  ]);
  expect(
    difference(
      (b, x, y) => b.binary("Sub", x, y),
      (b, x, y) => b.binary("Sub", y, x),
    ),
  ).not.toBe(null);
  expect(
    difference(
      (b, x) => b.cast(x, "int32"),
      (b, x) => b.cast(x, "bool"),
    ),
  ).not.toBe(null);
  expect(
    difference(
      (b, x) => b.reverse(x, [0]),
      (b, x) => b.softmax(x, 0),
    ),
  ).not.toBe(null);
  expect(difference(add, (b, x, y) => b.unary("Neg", add(b, x, y)))).toEqual(["Neg is new the second time", "plugin"]);
  expect(difference((b, x, y) => b.unary("Neg", add(b, x, y)), add)).toEqual([
    "Neg is missing the second time",
    "plugin",
  ]);
  const concat =
    (axis: number): Recording =>
    (b, x, y) =>
      b.concat([b.reshape(x, [1, 2]), b.reshape(y, [1, 2])], axis);
  expect(difference(concat(0), (b, x, y) => b.reshape(concat(1)(b, x, y), [2, 2]))).not.toBe(null);
});

test("a loop differs by its length and its body", () => {
  const looped =
    (count: number, next: (b: Builder, v: Node, w: Node) => Node[]): Recording =>
    (b, x, y) => {
      const [v, w] = b.loop(count, [x, y], ([v, w]) => next(b, v!, w!));
      return b.binary("Sub", v!, w!);
    };
  const both = (b: Builder, v: Node, w: Node) => [b.binary("Add", v, w), b.binary("Mul", v, w)];
  expect(difference(looped(3, both), looped(4, both))?.[0]).toBe("Loop count 3 became count 4");
  expect(
    difference(
      looped(3, both),
      looped(3, (b, v, w) => both(b, v, w).toReversed()),
    ),
  ).not.toBe(null);
  const same = (b: Builder, v: Node, w: Node) => [both(b, v, w)[0]!, both(b, v, w)[0]!];
  expect(difference(looped(3, same), looped(3, both))).not.toBe(null);
});
