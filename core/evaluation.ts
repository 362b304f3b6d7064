import type { Assembly } from "./assemble.ts";
import { errors } from "./errors.ts";
import type { Evaluator, Predict } from "./task.ts";
import type { Tree } from "./tree.ts";

/** Runs every evaluator; names get the prefix `val/`. */
export async function evaluate(
  assembly: Assembly,
  ...given: Parameters<Evaluator["evaluate"]>
): Promise<Record<string, number>> {
  const all: Record<string, number> = {};
  for (const evaluator of assembly.evaluators) {
    for (const [name, value] of Object.entries(await evaluator.evaluate(...given))) all[`val/${name}`] = value;
  }
  return all;
}

/** The pictures of every evaluator that draws some, by file name. Throws MF_RENDER_NONE where none does. */
export async function render(assembly: Assembly, params: Tree, predict: Predict): Promise<Record<string, string>> {
  const drawing = assembly.evaluators.filter((evaluator) => evaluator.render !== undefined);
  if (drawing.length === 0) {
    throw errors.MF_RENDER_NONE({ task: assembly.task.name, evaluators: assembly.evaluators.map((e) => e.name) });
  }
  const all: Record<string, string> = {};
  for (const evaluator of drawing) {
    // Two evaluators may choose the same name.
    for (const [file, svg] of Object.entries(await evaluator.render!(params, predict))) {
      all[file in all ? `${evaluator.name}-${file}` : file] = svg;
    }
  }
  return all;
}

/** Baselines of every evaluator, by method, names with the prefix `val/`. */
export async function measureBaselines(assembly: Assembly): Promise<Record<string, Record<string, number>>> {
  const all: Record<string, Record<string, number>> = {};
  for (const evaluator of assembly.evaluators) {
    for (const [method, values] of Object.entries((await evaluator.baselines?.()) ?? {})) {
      const named = Object.fromEntries(Object.entries(values).map(([name, value]) => [`val/${name}`, value]));
      all[method] = { ...all[method], ...named };
    }
  }
  return all;
}
