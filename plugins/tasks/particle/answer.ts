import { toFloat32 } from "../../../core/data/convert.ts";
import { checkFinite, checkShape } from "../../../core/data/files.ts";
import type { Json } from "../../../core/json.ts";
import type { InferRequest } from "../../../core/task.ts";
import { particleErrors } from "./errors.ts";
import { type Policy, pairFrames } from "./rollout.ts";

/**
 * Setpoints for the array `observation`: windows of two observations `[N, 2, 4·dims]`, the older first, or single ones
 * `[N, 4·dims]` or `[4·dims]`, which count as the first of an episode. An observation is position, velocity, first goal
 * and second goal. Throws MF_PARTICLE_INPUT, MF_DATA_VALUE.
 */
export async function answerWithActions(
  dims: number,
  policy: Policy,
  { inputs, source, options }: InferRequest,
): Promise<Json> {
  const fail = (problem: string) => particleErrors.MF_PARTICLE_INPUT({ source, problem });
  const [option] = Object.keys(options);
  if (option !== undefined) throw fail(`this model has no option --${option}; leave it out`);
  const given = inputs["observation"];
  if (given === undefined) {
    throw fail(`holds no array "observation" [N, 2, ${4 * dims}]; it has ${Object.keys(inputs).join(", ") || "none"}`);
  }
  const size = 4 * dims;
  const single = given.shape.length < 3;
  const array = given.shape.length === 1 ? { ...given, shape: [1, ...given.shape] } : given;
  checkShape(source, "observation", array, single ? [null, size] : [null, 2, size]);
  checkFinite(source, "observation", array);
  const values = Float64Array.from(toFloat32(array).data);
  const count = array.shape[0]!;
  const actions = await policy(single ? pairFrames(values, values, count) : values);
  return {
    dims,
    actions: Array.from({ length: count }, (_, i) => Array.from(actions.subarray(i * dims, (i + 1) * dims))),
  };
}
