import { defineErrors, user } from "../../../core/errors.ts";

export const gaitErrors = defineErrors({
  MF_GAIT_INPUT: user((d: { source: string; problem: string }) => `${d.source}: ${d.problem}.`),
  MF_GAIT_RESUMED: user(
    (d: { problem: string }) =>
      `The run was trained with other gait parameters: ${d.problem}. Name the description it was trained with (--gait.parameters), or start another run.`,
  ),
});
