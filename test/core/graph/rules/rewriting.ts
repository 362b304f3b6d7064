import { expect } from "vitest";
import { type Builder, createBuilder } from "../../../../core/graph/builder.ts";
import type { Node } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import { allRules } from "../../../../core/graph/rules/index.ts";
import { bools, expectClose, type Feed, floats, ints, runOnnx, wave } from "../onnx/run.ts";

/** What the graphs of the cases start from. */
const feeds = {
  x: wave([2, 3]),
  y: wave([2, 3], 1),
  positive: floats([2, 3], [0.5, 1, 2, 3, 0.1, 7]),
  row: wave([3], 2),
  column: wave([2, 1], 3),
  one: wave([1], 4),
  deep: wave([3, 1, 1], 5),
  s: floats([], [0.7]),
  cube: wave([2, 3, 4]),
  line: wave([64], 6),
  thin: wave([64, 2], 7),
  i: ints([2, 3], [3, -4, 0, 7, 2, -9]),
  j: ints([3], [2, 5, -3]),
  t: bools([2, 3], [1, 0, 0, 1, 1, 0]),
} satisfies Record<string, Feed>;

export type Inputs = Readonly<Record<keyof typeof feeds, Node>>;
export type Graph = (build: Builder, inputs: Inputs) => Node;

export interface Rewriting {
  readonly rule: string;
  readonly title: string;
  readonly graph: Graph;
  /** The graph afterwards, as `written` writes it; null when the rule must leave it alone. */
  readonly becomes: string | null;
}

/** `Mul(x, 2)`; a Splat with its shape, unless it is a scalar. Attributes are left out. */
export function written({ op, inputs, attrs, shape, values }: Node): string {
  if (op === "Input") return attrs["name"] as string;
  if (op === "Splat")
    return `${Object.is(attrs["value"], -0) ? "-0" : attrs["value"]}${shape.length > 0 ? `[${shape}]` : ""}`;
  if (op === "Const") return `{${values}}[${shape}]`;
  return `${op}(${inputs.map(written).join(", ")})`;
}

const inputsOf = (build: Builder): Inputs =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { shape, dtype }]) => [name, build.input(name, shape, dtype)]),
  ) as unknown as Inputs;

async function resultOf(build: Builder, graph: Graph): Promise<Feed> {
  const inputs = inputsOf(build);
  const { bytes } = toOnnx({ inputs: Object.values(inputs), outputs: { result: graph(build, inputs) } });
  return (await runOnnx(bytes, feeds))["result"]!;
}

/** Checks what the rule alone makes of the graph, and that the value stays, with it alone and with all rules. */
export async function expectRewriting({ rule, graph, becomes }: Rewriting): Promise<void> {
  const alone = allRules.filter(({ name }) => name === rule);
  expect(alone, "a rule of that name").not.toEqual([]);
  const make = (build: Builder): Node => graph(build, inputsOf(build));
  const [plain, rewritten] = [make(createBuilder([])), make(createBuilder(alone))];
  expect(written(rewritten)).toBe(becomes ?? written(plain));
  expect([rewritten.shape, rewritten.dtype]).toEqual([plain.shape, plain.dtype]);
  const value = await resultOf(createBuilder([]), graph);
  expectClose(await resultOf(createBuilder(alone), graph), value);
  expectClose(await resultOf(createBuilder(), graph), value);
}
