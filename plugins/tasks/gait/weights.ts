import { JOINTS, MOTION_WIDTH, ROOT_DX } from "./motion/layout.ts";

export interface GroupWeights {
  /** Of the pelvis's displacement and height. */
  readonly root: number;
  /** Of head, shoulders and arms. */
  readonly upperBody: number;
}

/** Forward GaitNet's loss, 5·mean((w∘(y − ŷ))²): its weights multiply the difference before it is squared. */
export const PUBLISHED_LOSS = { scale: 5, weights: { root: 2, upperBody: 0.5 } } as const;

/** A weight for each channel, `[101]`. The published code's `[6:9]` is the root; its `[57:]` begins at the head. */
export function channelWeights({ root, upperBody }: GroupWeights): Float32Array {
  const head = JOINTS.find(({ name }) => name === "Head")!;
  return new Float32Array(MOTION_WIDTH)
    .fill(1)
    .fill(root, ROOT_DX, ROOT_DX + 3)
    .fill(upperBody, head.offset);
}
