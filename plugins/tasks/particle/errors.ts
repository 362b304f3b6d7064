import { defineErrors, ours, user } from "../../../core/errors.ts";

export const particleErrors = defineErrors({
  MF_PARTICLE_TRAJECTORY: user((d: { path: string; problem: string }) => `"${d.path}": ${d.problem}.`),
  MF_PARTICLE_FOLDER: user(
    (d: { path: string }) =>
      `"${d.path}" holds no trajectories (.json or .npz). Make some: mf data generate --task particle --out ${d.path}`,
  ),
  MF_PARTICLE_OUT: user(
    (d: { path: string }) => `"${d.path}" is not empty, and demonstrations would be mixed. Name another folder.`,
  ),
  MF_PARTICLE_INPUT: user((d: { source: string; problem: string }) => `${d.source}: ${d.problem}.`),
  MF_PARTICLE_POLICY: user(
    () =>
      'The particle task has policy "implicit", an energy of actions, and its loss gave it none. Set policy to "explicit" for an objective that regresses actions (mse).',
  ),
  MF_PARTICLE_NORMALIZER: ours(
    () =>
      "The particle task was asked for an action before it had seen data or a checkpoint: nothing is normalised yet.",
  ),
});
