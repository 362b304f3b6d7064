import { expect, test } from "vitest";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { type Node, needed } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { shareRows } from "../../../../core/graph/passes/shared-rows.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { createStream } from "../../../../core/random.ts";

const build = () => createBuilder();
type Build = ReturnType<typeof build>;

/** A small network on rows; `w` and `b` are the same for every row. */
function network(b: Build, x: Node, w: Node, bias: Node): Node {
  const h = b.binary("Add", b.matmul(x, w), bias);
  const mean = b.reduce("ReduceMean", h, [1], true);
  const turned = b.transpose(b.binary("Sub", h, mean), [1, 0]);
  const back = b.reshape(b.transpose(b.unary("Tanh", turned), [1, 0]), [x.shape[0]!, 2, 3]);
  return b.reduce("ReduceSum", b.concat([back, b.unary("Sin", back)], 2), [1], false);
}

const inputsOf = (b: Build) => [b.input("x", [8, 4]), b.input("w", [4, 6]), b.input("bias", [6])] as const;
const products = (results: Readonly<Record<string, Node>>): number =>
  needed(Object.values(results)).filter(({ op }) => op === "MatMul").length;

async function run(inputs: readonly Node[], outputs: Readonly<Record<string, Node>>) {
  const session = await (await openRuntime({ threads: 1 })).createSession(
    toOnnx({ inputs, outputs }).bytes,
    "the graph",
  );
  const feeds = Object.fromEntries(
    inputs.map(({ attrs, shape }) => {
      const name = String(attrs["name"]);
      const data = createStream(0, name).normals(shape.reduce((a, d) => a * d, 1));
      return [name, { dtype: "float32" as const, shape, data }];
    }),
  );
  const values = await session.run(feeds);
  session.release();
  return Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, Array.from(data as Float32Array)]));
}

test("a network on the first rows is sliced out of the network on all rows", async () => {
  const b = build();
  const [x, w, bias] = inputsOf(b);
  const few = network(b, b.slice(x, [0, 0], [2, 4]), w, bias);
  const many = network(b, x, w, bias);
  const results = { few: b.unary("Exp", few), many };
  const shared = shareRows(results, b);
  expect([products(results), products(shared)]).toEqual([2, 1]);
  const [before, after] = [await run([x, w, bias], results), await run([x, w, bias], shared)];
  for (const name of ["few", "many"]) {
    for (const [i, value] of after[name]!.entries()) expect(value).toBeCloseTo(before[name]![i]!, 5);
  }
});

test("the first part of a concat counts as its first rows", () => {
  const b = build();
  const [x, w, bias] = inputsOf(b);
  const ends = b.unary("Cos", b.slice(x, [0, 0], [2, 4]));
  const all = b.concat([ends, b.slice(x, [2, 0], [6, 4])], 0);
  const shared = shareRows({ few: network(b, ends, w, bias), many: network(b, all, w, bias) }, b);
  expect(products(shared)).toBe(1);
});

test("other rows than the first, and a mean over rows, are left", () => {
  const b = build();
  const [x, w, bias] = inputsOf(b);
  const last = network(b, b.slice(x, [6, 0], [2, 4]), w, bias);
  const even = network(b, b.slice(x, [0, 0], [4, 4], [2, 1]), w, bias);
  const results = { last, even, many: network(b, x, w, bias) };
  expect(products(shareRows(results, b))).toBe(3);

  const means = (y: Node) => b.reduce("ReduceMean", b.matmul(y, w), [0], false);
  const few = b.slice(x, [0, 0], [2, 4]);
  const shared = shareRows({ few: means(few), many: means(x) }, b);
  expect(needed([shared["few"]!]).filter(({ op }) => op === "ReduceMean")[0]!.inputs[0]!.shape).toEqual([2, 6]);
});

test("what the whole depends on is not cut out of the whole", async () => {
  const b = build();
  const [x] = inputsOf(b);
  // The whole is made of the part's own result: y = f(part); all = [y; rest]; f(all) needs y.
  const square = b.input("square", [4, 4]);
  const part = b.slice(x, [0, 0], [2, 4]);
  const y = b.unary("Tanh", b.matmul(part, square));
  const all = b.concat([y, b.slice(x, [2, 0], [6, 4])], 0);
  const results = { y, again: b.unary("Tanh", b.matmul(all, square)) };
  const shared = shareRows(results, b);
  expect(await run([x, square], shared)).toEqual(await run([x, square], results));
});

test("a graph with a loop stays as it is", () => {
  const b = build();
  const [x, w, bias] = inputsOf(b);
  const [looped] = b.loop(3, [x], ([carried]) => [b.unary("Tanh", carried!)]);
  const results = {
    looped: looped!,
    few: network(b, b.slice(x, [0, 0], [2, 4]), w, bias),
    many: network(b, x, w, bias),
  };
  expect(shareRows(results, b)).toEqual(results);
});
