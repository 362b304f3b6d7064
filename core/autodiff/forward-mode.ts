import type { NamedTensorMap, Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { errors } from "../errors.ts";
import type { JvpRule, KernelCall } from "./jvp-rule.ts";
import { builtInRules } from "./jvp-rules.ts";
import { withoutTape } from "./tape.ts";

const rules = new Map<string, JvpRule<never>>(Object.entries(builtInRules));

/** Teaches `jvp` a kernel (`tf.Sum`, or one of a custom backend), or replaces its rule. */
export function registerJvpRule<A = unknown>(kernel: string, rule: JvpRule<A>): void {
  rules.set(kernel, rule);
}

/** One running `jvp`: the tangents of the tensors it has seen. `outer` is the `jvp` it runs inside of. */
interface Pass {
  readonly outer: Pass | null;
  readonly tangents: WeakMap<Tensor, Tensor>;
  readonly owned: Set<Tensor>;
}

/** The innermost pass that sees the kernels that run now. */
let visible: Pass | null = null;

/** What the tape saved of which tensor. Gradients read the saved copies, and their tangents are the originals'. */
const savedFrom = new WeakMap<Tensor, Tensor>();

type RunKernel = (kernel: string, inputs: NamedTensorMap, attrs?: object) => Tensor | Tensor[];
/** The two methods of tfjs's engine that are intercepted. `clone`, which saves for the tape, is private in its types. */
interface Engine {
  runKernel: RunKernel;
  clone(x: Tensor): Tensor;
}
let original: Engine | null = null;

function intercept(): () => void {
  if (original !== null) return () => {};
  const engine = tf.engine() as unknown as Engine;
  const { runKernel, clone } = engine;
  original = { runKernel: runKernel.bind(engine), clone: clone.bind(engine) };
  engine.runKernel = runWithTangents;
  engine.clone = (x) => {
    const copy = clone.call(engine, x);
    savedFrom.set(copy, x);
    return copy;
  };
  return () => {
    Object.assign(engine, { runKernel, clone });
    original = null;
  };
}

const runWithTangents: RunKernel = (kernel, inputs, attrs) => {
  const pass = visible;
  if (pass === null) return original!.runKernel(kernel, inputs, attrs);
  visible = pass.outer;
  try {
    const output = runWithTangents(kernel, inputs, attrs);
    pushTangents(pass, kernel, inputs, output, attrs ?? {});
    return output;
  } finally {
    visible = pass;
  }
};

function tangentOf(pass: Pass, x: Tensor): Tensor | null {
  for (let source: Tensor | undefined = x; source !== undefined; source = savedFrom.get(source)) {
    const tangent = pass.tangents.get(source);
    if (tangent !== undefined) return tangent;
  }
  return null;
}

function pushTangents(pass: Pass, kernel: string, given: NamedTensorMap, output: Tensor | Tensor[], attrs: object) {
  const inputs = Object.fromEntries(Object.entries(given).filter(([, x]) => x != null));
  const tangents = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, tangentOf(pass, x)]));
  if (Object.values(tangents).every((tangent) => tangent === null)) return;
  const outputs = Array.isArray(output) ? output : [output];
  // An integer or a truth value is constant almost everywhere.
  if (outputs.every((y) => y.dtype !== "float32")) return;
  const rule = rules.get(kernel);
  if (rule === undefined) throw errors.MF_JVP_NO_RULE({ kernel });

  const pushed = withoutTape(() =>
    tf.tidy(() => {
      const call = { inputs, tangents, output: outputs[0]!, attrs };
      const result = [rule(call as KernelCall<never>)].flat() as (Tensor | null)[];
      const notOurs = new Set<Tensor | null>([...Object.values(inputs), ...Object.values(tangents), ...outputs]);
      const owned = result.map((tangent) => (tangent && notOurs.has(tangent) ? tf.clone(tangent) : tangent));
      return owned as Tensor[]; // tidy skips null; its types do not know
    }),
  ) as (Tensor | null)[];
  outputs.forEach((y, i) => {
    const tangent = pushed[i] ?? null;
    if (tangent === null) return;
    pass.owned.add(tf.keep(tangent));
    if (!tf.util.arraysEqual(tangent.shape, y.shape))
      throw errors.MF_JVP_RULE_SHAPE({ kernel, tangent: tangent.shape, output: y.shape });
    pass.tangents.set(y, tangent);
  });
}

/** Runs `f` with tangents attached to its arguments, which must be tensors of nobody else's. */
export function pushForward<T extends Tensor>(
  f: () => T,
  leaves: readonly Tensor[],
  tangents: readonly (Tensor | null)[],
): { value: T; tangent: T } {
  const pass: Pass = { outer: visible, tangents: new WeakMap(), owned: new Set() };
  leaves.forEach((leaf, i) => {
    const tangent = tangents[i];
    if (tangent != null) pass.tangents.set(leaf, tangent);
  });
  const release = intercept();
  visible = pass;
  try {
    const y = f();
    visible = pass.outer;
    const pushed = tangentOf(pass, y);
    const tangent = withoutTape(() => (pushed === null ? tf.zeros(y.shape) : tf.clone(pushed)));
    return { value: tf.clone(y), tangent: tangent as T };
  } finally {
    visible = pass.outer;
    for (const tangent of pass.owned) tangent.dispose();
    release();
  }
}

/** Runs `f` unseen by every running `jvp`: what it computes is a constant to them. */
export function withoutTangents<T>(f: () => T): T {
  const pass = visible;
  visible = null;
  try {
    return f();
  } finally {
    visible = pass;
  }
}

/** True where a running `jvp` sees the kernels that are called. */
export const isPushingForward = (): boolean => visible !== null;
