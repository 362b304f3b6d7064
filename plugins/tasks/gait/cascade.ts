import { z } from "zod";
import { stopGradient } from "../../../core/autodiff/stop-gradient.ts";
import { didYouMean, errors } from "../../../core/errors.ts";
import { mapTree, type Tree } from "../../../core/tree.ts";
import { networkOf } from "./network.ts";
import type { ParameterSpace } from "./parameters/space.ts";

export const cascadeSchema = z
  .array(
    z.strictObject({
      parameters: z.array(z.string()).nonempty().describe("groups or names of the parameters a network reads"),
      steps: z.number().int().positive().nullable().default(null).describe("it is trained for; null for the last"),
    }),
  )
  .default([])
  .describe("networks whose outputs add up, trained one after another; [] for one on all parameters");
export type Cascade = z.output<typeof cascadeSchema>;

/** One network's turn. */
export interface Stage {
  /** Indices of the parameters it reads, ascending. */
  readonly columns: readonly number[];
  /** The step at which the next one's turn begins; infinite for the last. */
  readonly until: number;
}

/** Throws MF_OPTION for an unknown parameter, and for steps where there must be none or some. */
export function stagesOf({ parameters }: ParameterSpace, cascade: Cascade): readonly Stage[] {
  if (cascade.length === 0) return [{ columns: parameters.map((_, i) => i), until: Number.POSITIVE_INFINITY }];
  let until = 0;
  return cascade.map(({ parameters: wanted, steps }, index) => {
    const isLast = index === cascade.length - 1;
    if (isLast !== (steps === null)) {
      const problem = isLast ? "the last network is trained to the end of the run" : "say how long it is trained";
      throw errors.MF_OPTION({ plugin: "gait", option: `cascade.${index}.steps`, problem });
    }
    until += steps ?? Number.POSITIVE_INFINITY;
    const columns = new Set(
      wanted.flatMap((name, i) => columnsOf(parameters, name, `cascade.${index}.parameters.${i}`)),
    );
    return { columns: [...columns].sort((a, b) => a - b), until };
  });
}

function columnsOf(parameters: ParameterSpace["parameters"], wanted: string, option: string): number[] {
  const columns = parameters.flatMap(({ name, group }, i) => (name === wanted || group === wanted ? [i] : []));
  if (columns.length > 0) return columns;
  const groups = [...new Set(parameters.map(({ group }) => group))];
  const near = didYouMean(wanted, [...groups, ...parameters.map(({ name }) => name)]);
  const advice = near === undefined ? `groups: ${groups.join(", ")}` : `did you mean "${near}"?`;
  throw errors.MF_OPTION({ plugin: "gait", option, problem: `there is no parameter or group "${wanted}"; ${advice}` });
}

/** Whose turn it is at the step that follows `steps` others. */
export const stageAt = (stages: readonly Stage[], steps: number): number =>
  stages.findIndex(({ until }) => steps < until);

/** The parameters as the loss sees them: earlier networks as constants, later ones not there. */
export function seenInStage(params: Tree, stage: number): Tree {
  const present = Object.entries(params).filter(([path]) => networkOf(path) <= stage);
  return mapTree((p, path) => (networkOf(path) < stage ? stopGradient(p) : p), Object.fromEntries(present));
}

/** Takes back what the optimizer did (by momentum, by weight decay) to networks whose turn it is not. */
export const keptInStage = (next: Tree, before: Tree, stage: number): Tree =>
  mapTree((p, path) => (networkOf(path) === stage ? p : before[path]!), next);
