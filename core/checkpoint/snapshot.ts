import type * as tf from "@tensorflow/tfjs-core";
import type { HostTensor } from "../data/host-tensor.ts";
import { toTensor } from "../engine/feed.ts";
import { errors } from "../errors.ts";
import type { TrainState } from "../state.ts";
import { mapTree, prefixed, subtree, type Tree } from "../tree.ts";

export type HostTensors = Readonly<Record<string, HostTensor>>;

/** Copies a state to the host, by "params/…", "opt/…" and "slots/…". */
export const snapshot = (state: TrainState): Record<string, HostTensor> => ({
  ...prefixed("params", toHost(state.params)),
  ...prefixed("opt", toHost(state.opt)),
  ...prefixed("slots", toHost(state.slots)),
});

/** Copies tensors to the host. */
export const toHost = (tree: Tree): Record<string, HostTensor<"float32" | "int32">> =>
  mapTree((t) => {
    const shape = t.shape.slice();
    // Copies: the wasm backend hands out views of memory it will use again.
    return t.dtype === "int32"
      ? { dtype: "int32", shape, data: Int32Array.from(t.dataSync()) }
      : { dtype: "float32", shape, data: Float32Array.from(t.dataSync()) };
  }, tree);

/**
 * A state from a checkpoint's tensors, in the shapes of `fresh`, which is disposed of what was replaced.
 * State that only the checkpoint has is MF_CHECKPOINT_STATE (a plugin's) or MF_CHECKPOINT_SHAPES; a plugin that only the
 * run has starts fresh and is named to `started`. `drop` names plugins whose saved state is left out.
 */
export function restore(
  fresh: TrainState,
  saved: HostTensors,
  path: string,
  { drop = [], started = () => {} }: { drop?: readonly string[]; started?: (plugin: string) => void } = {},
): TrainState {
  const differences: string[] = [];
  const part = (name: "params" | "opt", tree: Tree): Tree => {
    const from = subtree(saved, name);
    for (const extra of Object.keys(from))
      if (!(extra in tree)) differences.push(`${name}/${extra}: only in the checkpoint`);
    return mapTree((t, leaf) => load(t, from[leaf], `${name}/${leaf}`), tree);
  };
  const load = (t: tf.Tensor, value: HostTensor | undefined, leaf: string): tf.Tensor => {
    if (value === undefined) differences.push(`${leaf}: only in this run`);
    else if (value.shape.join() !== t.shape.join() || value.dtype !== t.dtype) {
      differences.push(
        `${leaf}: ${value.dtype} [${value.shape}] in the checkpoint, ${t.dtype} [${t.shape}] in this run`,
      );
    } else return toTensor(value as HostTensor<"float32" | "int32">);
    return t;
  };

  const params = part("params", fresh.params);
  const opt = part("opt", fresh.opt);
  const savedSlots = subtree(saved, "slots");
  const owner = (leaf: string): string => leaf.split("/")[0]!;
  const here = new Set(Object.keys(fresh.slots).map(owner));
  const there = new Set(Object.keys(savedSlots).map(owner));
  for (const plugin of there) {
    if (!here.has(plugin) && !drop.includes(plugin)) throw errors.MF_CHECKPOINT_STATE({ path, plugin });
  }
  for (const plugin of here) if (!there.has(plugin)) started(plugin);
  const kept = (leaf: string): boolean => there.has(owner(leaf)) && !drop.includes(owner(leaf));
  const slots = mapTree((t, leaf) => (kept(leaf) ? load(t, savedSlots[leaf], `slots/${leaf}`) : t), fresh.slots);

  if (differences.length > 0) throw errors.MF_CHECKPOINT_SHAPES({ path, differences });
  const state: TrainState = { params, opt, slots };
  for (const name of ["params", "opt", "slots"] as const) {
    for (const [leaf, t] of Object.entries(fresh[name])) if (state[name][leaf] !== t) t.dispose();
  }
  return state;
}
