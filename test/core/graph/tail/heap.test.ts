import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { floatsOf, type WasmBackend } from "../../../../core/engine/wasm-heap.ts";
import type { Node } from "../../../../core/graph/node.ts";
import { planTail } from "../../../../core/graph/tail/plan.ts";
import { compileTail } from "../../../../core/graph/tail/wasm.ts";
import { trace } from "../../../../core/graph/trace/trace.ts";
import { adamW } from "../../../../core/optimizer/adam.ts";
import { mapTree, type Tree } from "../../../../core/tree.ts";
import { interpret } from "./interpreter.ts";

beforeAll(async () => void (await useBackend("wasm")));

const shapes = { kernel: [13, 7], bias: [7], gain: [] };
const optimizer = adamW({ lr: 1e-2 });
const scalarNames = ["lr", "optimizer/correction", "optimizer/epsilon", "clip"];

/** Clipped AdamW and a moving average, as plugins write it. */
function update(state: { params: Tree; opt: Tree; average: Tree }, grads: Tree, scalars: Record<string, tf.Scalar>) {
  const clipped = mapTree((g) => tf.mul(g, tf.minimum(1, scalars["clip"]!)), grads);
  const { params, opt } = optimizer.update(clipped, state.opt, state.params, scalars);
  const average = mapTree(
    (p, path) => tf.add(state.average[path]!, tf.mul(0.01, tf.sub(p, state.average[path]!))),
    params,
  );
  return { params, opt, average };
}

/** One record of all tensors, by "params/kernel" and so on. */
const flat = (trees: Readonly<Record<string, Tree>>): Record<string, tf.Tensor> =>
  Object.fromEntries(
    Object.entries(trees).flatMap(([kind, tree]) => Object.entries(tree).map(([path, t]) => [`${kind}/${path}`, t])),
  );

test("updates the tensors of the wasm backend in place as eager TensorFlow.js does, also after its heap has grown", () => {
  const backend = tf.backend() as unknown as WasmBackend;
  const draw = (scale: number) => mapTree((shape) => tf.randomNormal(shape, 0, scale, "float32", 7), shapes) as Tree;
  const params = draw(1);
  let eager = { params, opt: optimizer.init(params), average: draw(2) };
  // Copies: a clone shares its tensor's memory.
  const own = mapTree((x) => tf.tensor(x.dataSync().slice(), x.shape), flat(eager));
  const grads = draw(3);

  const plan = trace((tracer) => {
    const inputs: Record<string, Node> = {};
    const symbolic = (kind: string, tree: Tree) =>
      mapTree((x, path) => {
        const name = `${kind}/${path}`;
        inputs[name] = tracer.build.input(name, x.shape);
        return tracer.tensor(inputs[name]);
      }, tree);
    const old = {
      params: symbolic("params", eager.params),
      opt: symbolic("opt", eager.opt),
      average: symbolic("average", eager.average),
    };
    const gradients = symbolic("grads", grads);
    const scalars = Object.fromEntries(scalarNames.map((name) => [name, tracer.tensor(tracer.build.input(name, []))]));
    const next = flat(update(old, gradients, scalars as Record<string, tf.Scalar>));
    const pairs = Object.entries(next).map(([name, t]) => ({ name, before: inputs[name]!, after: tracer.node(t) }));
    const barrier = new Set(Object.keys(grads).map((path) => inputs[`grads/${path}`]!));
    return planTail(pairs, { barrier });
  }, []);
  expect(plan.rest).toEqual([]);
  expect(plan.kernels).toHaveLength(3);

  const { run } = compileTail(plan, backend.wasm.asm.memory);
  const tensors = [
    ...plan.state.map((name) => own[name]!),
    ...plan.frontier.map((node) => grads[String(node.attrs["name"]).slice("grads/".length)]!),
  ];
  for (let step = 1; step <= 3; step++) {
    const numbers: Record<string, number> = { lr: 1e-2, clip: 0.7, ...optimizer.scalars(step) };
    const scalars = mapTree((x) => tf.scalar(x), numbers) as Record<string, tf.Scalar>;
    eager = tf.tidy(() => update(eager, grads, scalars));
    const fed = Object.fromEntries(scalarNames.map((name) => [name, [numbers[name]!]]));
    run(
      tensors.map((x) => backend.dataIdMap.get(x.dataId).memoryOffset),
      plan.scalars.map((node) => interpret(node, fed)[0]!),
    );
    for (const [name, wanted] of Object.entries(flat(eager)))
      expect(floatsOf(backend, own[name]!), `${name} after step ${step}`).toEqual(floatsOf(backend, wanted));
    const { buffer } = backend.wasm.HEAPU8;
    tf.zeros([buffer.byteLength / 4]).dispose();
    expect(backend.wasm.HEAPU8.buffer).not.toBe(buffer);
  }
});
