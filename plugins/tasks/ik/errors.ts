import { defineErrors, user } from "../../../core/errors.ts";

export const ikErrors = defineErrors({
  MF_IK_POSE: user((d: { source: string; row: number; problem: string }) => `${d.source}: pose ${d.row} ${d.problem}.`),
  MF_IK_INPUT: user((d: { source: string; problem: string }) => `${d.source}: ${d.problem}.`),
  MF_IK_OPTION: user((d: { option: string; problem: string }) => `--${d.option} ${d.problem}.`),
});
