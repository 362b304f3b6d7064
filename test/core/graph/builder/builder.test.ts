import { expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { needed } from "../../../../core/graph/node.ts";

const build = createBuilder([]);
const x = build.input("x", [2, 3]);
const y = build.input("y", [2, 3]);

test("equal nodes are one", () => {
  expect(build.binary("Add", x, y)).toBe(build.binary("Add", x, y));
  expect(build.slice(x, [0, 1], [2, 2])).toBe(build.slice(x, [0, 1], [2, 2]));
  expect(build.splat(2, [3])).toBe(build.splat(2, [3]));
  expect(build.constant(Float32Array.of(1, 2), [2], "float32")).toBe(
    build.constant(Float32Array.of(1, 2), [2], "float32"),
  );
});

test("nodes that differ in anything are two", () => {
  expect(build.binary("Sub", x, y)).not.toBe(build.binary("Sub", y, x));
  expect(build.slice(x, [0, 1], [2, 2])).not.toBe(build.slice(x, [0, 0], [2, 2]));
  expect(build.splat(0, [3])).not.toBe(build.splat(-0, [3]));
  expect(build.splat(1, [3])).not.toBe(build.splat(1, [3], "int32"));
  expect(build.splat(1, [3])).not.toBe(build.splat(1, [1, 3]));
  expect(build.splat(Number.NaN, [])).not.toBe(build.splat(Number.POSITIVE_INFINITY, []));
  expect(build.constant(Float32Array.of(1, 0), [2], "float32")).not.toBe(
    build.constant(Float32Array.of(1, -0), [2], "float32"),
  );
  expect(build.reduce("ReduceSum", x, [0], true)).not.toBe(build.reduce("ReduceSum", x, [0], false));
});

test("a constant with one value everywhere is a Splat, whose value is that of float32", () => {
  expect(build.constant(new Float32Array(5000).fill(0.1), [5000], "float32")).toMatchObject({
    op: "Splat",
    attrs: { value: Math.fround(0.1) },
  });
  expect(build.constant(Float32Array.of(Number.NaN, Number.NaN), [2], "float32").op).toBe("Splat");
  expect(build.constant(Float32Array.of(0, -0), [2], "float32").op).toBe("Const");
  expect(build.constant(new Float32Array(0), [0], "float32").op).toBe("Const");
});

test("a constant keeps the values it was made of", () => {
  const values = Float32Array.of(1, 2, 3);
  const node = build.constant(values, [3], "float32");
  values.fill(9);
  expect(node.values).toEqual(Float32Array.of(1, 2, 3));
});

test("what changes nothing makes no node", () => {
  expect(build.reshape(x, [2, 3])).toBe(x);
  expect(build.expand(x, [2, 3])).toBe(x);
  expect(build.transpose(x, [0, 1])).toBe(x);
  expect(build.slice(x, [0, 0], [2, 3])).toBe(x);
  expect(build.pad(x, [0, 0], [0, 0], 1)).toBe(x);
  expect(build.tile(x, [1, 1])).toBe(x);
  expect(build.reverse(x, [])).toBe(x);
  expect(build.reduce("ReduceSum", x, [], false)).toBe(x);
  expect(build.cast(x, "float32")).toBe(x);
  const empty = build.input("empty", [2, 0]);
  expect(build.concat([x, empty], 1)).toBe(x);
  expect(build.concat([empty, empty], 1)).toBe(empty);
});

test("shapes and types are inferred", () => {
  const cube = build.input("cube", [2, 3, 4]);
  const i = build.input("i", [5, 1], "int32");
  const shapeOf = ({ shape, dtype }: { shape: readonly number[]; dtype: string }) => [...shape, dtype];
  expect(shapeOf(build.binary("Less", x, build.input("column", [2, 1])))).toEqual([2, 3, "bool"]);
  expect(shapeOf(build.matmul(cube, build.input("m", [5, 4]), false, true))).toEqual([2, 3, 5, "float32"]);
  expect(shapeOf(build.reduce("ReduceMax", cube, [2, 0], true))).toEqual([1, 3, 1, "float32"]);
  expect(shapeOf(build.gather(cube, i, 1))).toEqual([2, 5, 1, 4, "float32"]);
  expect(shapeOf(build.oneHot(i, 7, 1, 0, "bool"))).toEqual([5, 1, 7, "bool"]);
  expect(shapeOf(build.segmentSum(cube, build.input("ids", [2], "int32"), 9))).toEqual([9, 3, 4, "float32"]);
  expect(shapeOf(build.argExtremum("ArgMax", cube, 1))).toEqual([2, 4, "int32"]);
  expect(shapeOf(build.where(build.input("c", [3], "bool"), i, i))).toEqual([5, 3, "int32"]);
  expect(shapeOf(build.pad(x, [1, 0], [2, 3], 0))).toEqual([5, 6, "float32"]);
});

test("shapes that do not fit are refused", () => {
  const long = build.input("long", [4]);
  expect(() => build.binary("Add", x, long)).toThrow("broadcast of [2,3] and [4] do not fit");
  expect(() => build.matmul(x, y)).toThrow("MatMul of [2,3] and [2,3] do not fit");
  expect(() => build.reshape(x, [4, 2])).toThrow("Reshape of [2,3] and [4,2] do not fit");
});

test("a node says who recorded it first", () => {
  let who: string | null = "ema, afterUpdate";
  const named = createBuilder([], () => who);
  const a = named.input("a", []);
  who = null;
  expect([named.unary("Neg", a).origin, named.input("a", []).origin]).toEqual([null, "ema, afterUpdate"]);
});

test("a loop's body is recorded once, and its values come out by index", () => {
  let recorded = 0;
  const [sum, last] = build.loop(5, [x, y], ([a, b], iteration) => {
    recorded++;
    expect(iteration).toMatchObject({ op: "LoopInput", shape: [], dtype: "int32" });
    return [build.binary("Add", a!, b!), a!];
  });
  expect(recorded).toBe(1);
  expect([sum!.op, sum!.attrs["index"], last!.attrs["index"]]).toEqual(["LoopOutput", 0, 1]);
  const [loop] = sum!.inputs;
  expect(loop!.body!.results[1]).toBe(loop!.body!.carried[0]);
  const order = needed([sum!]);
  expect(order.indexOf(loop!.body!.results[0]!)).toBeLessThan(order.indexOf(loop!));
});
