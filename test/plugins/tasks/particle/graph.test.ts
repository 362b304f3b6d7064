import { beforeAll, expect, test } from "vitest";
import { useBackend } from "../../../../core/engine/backend.ts";
import { specsOf } from "../../../../core/engine/graph.ts";
import { type Node, needed } from "../../../../core/graph/node.ts";
import { traceStep } from "../../../../core/graph/trace/step.ts";
import type { Plugin } from "../../../../core/plugin.ts";
import { createStream } from "../../../../core/random.ts";
import { createBench } from "../../../../core/testing/index.ts";
import { ebm } from "../../../../plugins/objectives/ebm/index.ts";
import { particle } from "../../../../plugins/tasks/particle/index.ts";

beforeAll(() => useBackend("cpu"));

const WIDTH = 64;

/** The task with a model that leaves derivatives to automatic differentiation. */
function withoutFormula(): Plugin {
  const plugin = particle({ episodes: 4, network: { width: WIDTH } });
  return {
    ...plugin,
    setup: (context) =>
      plugin.setup({
        ...context,
        task: ({ model: { inputGradient: _, ...model }, ...task }) => context.task({ ...task, model }),
      }),
  };
}

/** The products of hidden layers in a step of 16 × 8 counter-examples: in an iteration of the chain, and beside it. */
async function productsOf(task: Plugin) {
  const bench = createBench([task, ebm({ negatives: 8, langevin: { iterations: 5 } })], undefined, {
    settings: { batchSize: 16 },
  });
  const { assembly, state, clock } = bench;
  const { batch } = await (await assembly.task.dataset()).read({ epoch: 0, position: 0, seed: 0 }, 16);
  const inputs = { batch, scalars: assembly.scalarsAt(clock), random: createStream(0, "step") };
  const graph = traceStep(assembly.program, specsOf(state, inputs));
  await bench.dispose();

  const nodes = needed([...Object.values(graph.state), ...Object.values(graph.metrics)]);
  const { iteration, carried, results } = nodes.find(({ op }) => op === "Loop")!.body!;
  const moving = new Set<Node>([iteration, ...carried]);
  for (const node of needed(results)) if (node.inputs.some((input) => moving.has(input))) moving.add(node);
  const isLarge = ({ op, inputs }: Node): boolean =>
    op === "MatMul" && inputs.every(({ shape }) => shape.every((d) => d >= WIDTH));
  const all = nodes.filter(isLarge).length;
  const inChain = nodes.filter((node) => isLarge(node) && moving.has(node)).length;
  return { inChain, beside: all - inChain };
}

/** Forward and back through the layer that the energy is not linear in; in the loss, the same again differentiated. */
const fewest = { inChain: 2, beside: 6 };

test("the graph has no product more than the mathematics", async () => {
  expect(await productsOf(particle({ episodes: 4, network: { width: WIDTH } }))).toEqual(fewest);
});

test("nor where the gradient by the action is left to automatic differentiation", async () => {
  expect(await productsOf(withoutFormula())).toEqual(fewest);
});
