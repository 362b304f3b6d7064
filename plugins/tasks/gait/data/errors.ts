import { defineErrors, user } from "../../../../core/errors.ts";

export const gaitDataErrors = defineErrors({
  MF_GAIT_DATA_FOLDER: user(
    (d: { path: string }) =>
      `"${d.path}" holds no motions (.npz files). Make some: mf data generate --task gait --out ${d.path}`,
  ),
  MF_GAIT_DATA_SPLIT: user(
    (d: { path: string; files: number }) =>
      `"${d.path}" holds ${d.files} usable file${d.files === 1 ? "" : "s"}, and validation takes the last ones for itself: two are needed. Cut the data into several files.`,
  ),
  MF_GAIT_DATA_NONE_USABLE: user(
    (d: { path: string; files: number; first: string }) =>
      `Not one of the ${d.files} files of "${d.path}" is usable. The first: ${d.first}`,
  ),
  MF_GAIT_DATA_WIDTH: user(
    (d: { path: string; width: number; title: string; parameters: number; unknown: readonly string[] }) =>
      `"${d.path}": array "params" has ${d.width} columns, and ${d.title} has ${d.parameters} parameters${
        d.unknown.length === 0 ? "" : ` (unknown to the shipped one: ${d.unknown.join(", ")})`
      }. Name the description that the data was made with.`,
  ),
  MF_GAIT_DATA_VALUE: user(
    (d: { path: string; array: string; row: number; problem: string }) =>
      `"${d.path}": array "${d.array}", row ${d.row}: ${d.problem}. Correct the file, or leave files like it out (--skip-bad-files).`,
  ),
  MF_GAIT_DATA_MEMORY: user(
    (d: { memoryMb: number; chunk: number | null; batchSize: number; neededMb: number }) =>
      `A limit of ${d.memoryMb} MiB (memoryMb) is too little for two chunks${
        d.chunk === null ? "" : ` of ${d.chunk} samples`
      } and batches of ${d.batchSize}. Give at least ${d.neededMb}, or smaller chunks or batches.`,
  ),
  MF_GAIT_DATA_SYNTHETIC: user(
    (d: { title: string }) =>
      `Synthetic motions are made of the shipped parameters, and ${d.title} has others. Name data for it, or leave the description out.`,
  ),
  MF_GAIT_ROLLOUT: user((d: { path: string; problem: string }) => `"${d.path}": ${d.problem}.`),
  MF_GAIT_ROLLOUTS_NONE: user(
    (d: { path: string; rollouts: number; short: number; incomplete: number; badFiles: number }) =>
      `"${d.path}" gives no motion: of ${d.rollouts} roll-outs ${d.short} are of 140 frames or less and ${d.incomplete} hold less than two whole cycles; ${d.badFiles} files were skipped. Give longer roll-outs.`,
  ),
  MF_GAIT_OUT: user((d: { path: string }) => `"${d.path}" is not empty, and data would be mixed. Name another folder.`),
});
