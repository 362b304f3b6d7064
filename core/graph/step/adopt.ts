import * as tf from "@tensorflow/tfjs-core";
import type { TensorMemory } from "../../engine/wasm-memory.ts";
import type { TrainState } from "../../state.ts";
import { mapTree, prefixed, type Tree } from "../../tree.ts";
import type { DType } from "../node.ts";
import type { Places } from "./part.ts";

/** The state with each tensor on values of its own, so that it can be written in place. Takes over what it is given. */
export function adopt(state: TrainState, { isOwn }: TensorMemory): TrainState {
  const own = (tree: Tree): Tree =>
    mapTree((t) => {
      if (isOwn(t)) return t;
      const copy = tf.tensor(t.dataSync().slice(), t.shape, t.dtype);
      t.dispose();
      return copy;
    }, tree);
  return { params: own(state.params), opt: own(state.opt), slots: own(state.slots) };
}

/** Every tensor of a state by path. */
export const leavesOf = ({ params, opt, slots }: TrainState): Tree => ({
  ...prefixed("params", params),
  ...prefixed("opt", opt),
  ...prefixed("slots", slots),
});

export const placesOf = (state: TrainState, { addressOf }: TensorMemory): Places =>
  mapTree((t) => ({ dtype: t.dtype as DType, shape: t.shape, address: addressOf(t) }), leavesOf(state));
