import { defineErrors, ours, user } from "../../../../core/errors.ts";

/** What can be wrong with a description of gait parameters. `at` is a file, and a line where there is one. */
export const parameterErrors = defineErrors({
  MF_GAIT_XML: user((d: { at: string; problem: string }) => `${d.at}: ${d.problem}. Correct the file.`),
  MF_GAIT_PARAMETER: user(
    (d: { at: string; parameter: string; problem: string }) => `${d.at}: parameter "${d.parameter}" ${d.problem}.`,
  ),
  MF_GAIT_PARAMETERS_NONE: user(
    (d: { at: string }) =>
      `${d.at}: it describes no parameters. Give at least one: its name, min, max and default, in a group.`,
  ),
  MF_GAIT_PARAMETER_UNKNOWN: user((d: { name: string; near: string | undefined; count: number }) =>
    d.near === undefined
      ? `There is no gait parameter "${d.name}" among the ${d.count} of this description. Correct the name.`
      : `There is no gait parameter "${d.name}". Did you mean "${d.near}"?`,
  ),
  MF_GAIT_PARAMETER_ROWS: ours(
    (d: { length: number; parameters: number }) =>
      `${d.length} values are not whole rows of ${d.parameters} gait parameters.`,
  ),
});
