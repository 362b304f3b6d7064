import { z } from "zod";
import { merge, parseOptions } from "../plugin.ts";
import type { Scalars } from "../state.ts";
import type { Tree } from "../tree.ts";

/**
 * An optimizer as a pair of pure functions over trees. What depends on the step count enters as scalars that the host
 * computes in float64 from the number of updates: nothing is accumulated, so a resumed run continues bit for bit.
 */
export interface Optimizer {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>> & { readonly lr: number };
  /** Its state before the first update, by "moment/param path". */
  init(params: Tree): Tree;
  /** Reads `scalars.lr` and its own scalars. */
  update(grads: Tree, opt: Tree, params: Tree, scalars: Scalars): { params: Tree; opt: Tree };
  /** Scalars of the update number `update` (from 1). */
  scalars(update: number): Readonly<Record<string, number>>;
  with(changes: Readonly<Record<string, unknown>>): Optimizer;
}

export interface OptimizerFactory<O> {
  (options?: O): Optimizer;
  readonly optimizerName: string;
  readonly schema: z.ZodObject;
}

/** Makes an optimizer's factory; options are checked where they are written (MF_OPTION). */
export function defineOptimizer<S extends z.ZodObject>(spec: {
  readonly name: string;
  readonly options: S;
  create(options: z.output<S>): Pick<Optimizer, "init" | "update"> & Partial<Pick<Optimizer, "scalars">>;
}): OptimizerFactory<z.input<S>> {
  const factory = (given?: z.input<S>): Optimizer => {
    const options = parseOptions(spec.name, spec.options, given ?? {});
    return Object.freeze({
      name: spec.name,
      options: options as Optimizer["options"],
      scalars: () => ({}),
      ...spec.create(options),
      with: (changes: Readonly<Record<string, unknown>>) =>
        factory(merge(options as Record<string, unknown>, changes) as z.input<S>),
    });
  };
  return Object.assign(factory, { optimizerName: spec.name, schema: spec.options as z.ZodObject });
}

export const learningRate = z.number().positive().describe("peak learning rate");
export const decay = (fallback: number, what: string) => z.number().min(0).lt(1).default(fallback).describe(what);
