import { defineErrors, user } from "../../../core/errors.ts";

export const imitationErrors = defineErrors({
  MF_IMITATION_BATCH: user(
    (d: { plugin: string; missing: string; has: readonly string[] }) =>
      `${d.plugin} learns actions from demonstrations, and the task's batches have no "${d.missing}" (only ${d.has.join(", ")}). Use it with a task of demonstrations.`,
  ),
  MF_IMITATION_MODEL: user(
    (d: { plugin: string; wanted: string; expected: readonly number[]; shape: readonly number[]; policy: string }) =>
      `${d.plugin} needs a model that gives ${d.wanted}, [${d.expected.join(", ")}]; this one gives [${d.shape.join(", ")}]. Set the task's policy to ${d.policy}.`,
  ),
});
