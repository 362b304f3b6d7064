import { createStream } from "../../../core/random.ts";
import { eachParticle, fieldOf, oracle } from "./oracle.ts";
import type { Policy } from "./rollout.ts";

/** Policies without learning, each made anew for a rollout. The oracle is the ceiling, the others are floors. */
export const baselinePolicies: Readonly<Record<string, (dims: number) => Policy>> = {
  oracle,
  always_goal2: (dims) => eachParticle(dims, (frames, i) => fieldOf(frames, dims, i, "secondGoal")),
  between_goals: (dims) =>
    eachParticle(dims, (frames, i) => {
      const second = fieldOf(frames, dims, i, "secondGoal");
      return fieldOf(frames, dims, i, "firstGoal").map((x, d) => (x + second[d]!) / 2);
    }),
  uniform: (dims) => {
    const random = createStream(0, "particle/uniform");
    return eachParticle(dims, () => random.uniforms(dims));
  },
};

/** The first goal for 25 steps, then the second: why no policy may know the step. */
export function openLoop(dims: number): Policy {
  const [first, second] = (["firstGoal", "secondGoal"] as const).map((goal) =>
    eachParticle(dims, (frames, i) => fieldOf(frames, dims, i, goal)),
  ) as [Policy, Policy];
  let step = 0;
  return (frames) => (step++ < 25 ? first : second)(frames);
}
