/** Whose mistake an error is. It decides the exit code: the user's 2, ours 1. */
export type Fault = "user" | "ours";

/** An error a person can act on. Compare `code`, never the class: a second copy of the package has a second class. */
export class MfError<D = unknown> extends Error {
  override readonly name = "MfError";
  constructor(
    readonly code: string,
    readonly fault: Fault,
    readonly detail: D,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${message} [${code}]`, options);
  }
}

interface Entry<D> {
  readonly fault: Fault;
  message(detail: D): string;
}
export const user = <D>(message: (detail: D) => string): Entry<D> => ({ fault: "user", message });
export const ours = <D>(message: (detail: D) => string): Entry<D> => ({ fault: "ours", message });

type Throwers<C> = {
  readonly [K in keyof C]: C[K] extends Entry<infer D> ? (detail: D, options?: ErrorOptions) => MfError<D> : never;
};

/**
 * Turns a catalogue of messages into functions that make the errors: `throw errors.MF_TAP_LATE({ name, hook })`.
 * Codes are stable; messages may improve. A message names the culprit, says what is wrong, and says what to do.
 */
// biome-ignore lint/suspicious/noExplicitAny: each entry fixes its own detail type; the union has no common one.
export function defineErrors<const C extends Readonly<Record<string, Entry<any>>>>(catalogue: C): Throwers<C> {
  return Object.freeze(
    Object.fromEntries(
      Object.entries(catalogue).map(([code, { fault, message }]) => [
        code,
        (detail: unknown, options?: ErrorOptions) => new MfError(code, fault, detail, message(detail), options),
      ]),
    ),
  ) as Throwers<C>;
}

/** True for any `MfError`, also one made by another copy of the package. */
export const isMfError = (error: unknown): error is MfError =>
  error instanceof Error && error.name === "MfError" && "code" in error && "fault" in error;

/** The known name nearest to `name` by edit distance, when it is near enough to be a typo. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (Damerau's optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, substituted);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j]!, before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/** Who did it, in brackets. */
export const by = (where: string | null): string => (where === null ? "" : ` (${where})`);

const first = (most: number, lines: readonly string[]): readonly string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most), `… and ${lines.length - most} more`];

const hint = (name: string, known: readonly string[]): string => {
  const near = didYouMean(name, known);
  return near === undefined ? ` Known: ${known.join(", ")}.` : ` Did you mean "${near}"?`;
};

/** Core's errors. Plugins define their own beside their code with `defineErrors`. */
export const errors = defineErrors({
  // ── hooks and plugins ──
  MF_TAP_FAILED: ours(
    (d: { plugin: string; hook: string; cause: string }) => `Plugin "${d.plugin}" failed in ${d.hook}: ${d.cause}`,
  ),
  MF_TAP_NO_VALUE: ours(
    (d: { plugin: string; hook: string }) =>
      `Plugin "${d.plugin}" returned nothing from ${d.hook}. This hook is a transform: return the value, changed or not.`,
  ),
  MF_TAP_ASYNC: ours(
    (d: { plugin: string; hook: string }) =>
      `Plugin "${d.plugin}" returned a promise from ${d.hook}, which runs inside the training step. Move the waiting to an on… hook.`,
  ),
  MF_TAP_UNAWAITED: ours(
    (d: { plugin: string; hook: string }) =>
      `Plugin "${d.plugin}" returned a promise from ${d.hook}, which does not wait. Wait in onValidate, onCheckpoint or a metric sink.`,
  ),
  MF_TAP_NAME: ours(
    (d: { plugin: string; hook: string; name: string }) =>
      `Plugin "${d.plugin}" tapped ${d.hook} as "${d.name}". Taps carry their plugin's name.`,
  ),
  MF_TAP_BEFORE: ours(
    (d: { plugin: string; hook: string }) =>
      `Plugin "${d.plugin}" used { before } on ${d.hook}. Order taps with a named stage instead.`,
  ),
  MF_TAP_LATE: ours(
    (d: { name: string; hook: string }) =>
      `"${d.name}" tapped ${d.hook} after setup. Taps are fixed once a run starts.`,
  ),
  MF_SETUP_LATE: ours(
    (d: { plugin: string; call: string }) =>
      `Plugin "${d.plugin}" called context.${d.call}() after setup. Declare everything while setup runs.`,
  ),
  MF_SETUP_FAILED: ours(
    (d: { plugin: string; cause: string }) => `Plugin "${d.plugin}" failed while it was set up: ${d.cause}`,
  ),
  MF_PLUGIN_MISSING: user(
    (d: { plugin: string; needs: string }) =>
      `Plugin "${d.plugin}" needs "${d.needs}", which is not in this run. Add it to plugins, or pick a preset that has it.`,
  ),
  MF_PLUGIN_CYCLE: ours(
    (d: { plugins: readonly string[] }) =>
      `Plugins require each other in a circle: ${d.plugins.join(" → ")}. Break it.`,
  ),
  MF_PLUGIN_UNDECLARED: ours(
    (d: { plugin: string; used: string }) =>
      `Plugin "${d.plugin}" used "${d.used}" without declaring it. Add it to "requires".`,
  ),
  MF_PLUGIN_TWICE: user(
    (d: { plugin: string }) => `Plugin "${d.plugin}" is in this run twice. Names are checkpoint keys; keep one.`,
  ),
  MF_OPTION: user(
    (d: { plugin: string; option: string; problem: string }) =>
      `${d.plugin}: option "${d.option}" is wrong: ${d.problem}.`,
  ),
  MF_TASK_COUNT: user((d: { tasks: readonly string[] }) =>
    d.tasks.length === 0
      ? "No plugin of this run brings a task (a model, its data, its metrics). Add one, or start from a preset: mf presets."
      : `These plugins each bring a task: ${d.tasks.join(", ")}. A run trains exactly one; remove the others.`,
  ),
  MF_NO_LOSS: user(
    () => "No plugin of this run adds a loss term. Add an objective (for example meanflow()) to plugins.",
  ),
  MF_DECLARED_TWICE: ours(
    (d: { kind: string; name: string; by: string; first: string }) =>
      `Plugin "${d.by}" declares the ${d.kind} "${d.name}", which "${d.first}" already declares. Rename or remove one.`,
  ),
  MF_SCALAR_VALUE: ours(
    (d: { name: string; value: number }) =>
      `The scalar "${d.name}" became ${d.value}. A scalar must be a finite number at every step.`,
  ),
  MF_SCALAR_UNKNOWN: ours(
    (d: { name: string; known: readonly string[] }) =>
      `The step asked for the scalar "${d.name}", which nobody declared.${hint(d.name, d.known)}`,
  ),
  MF_SLOT_UNKNOWN: ours(
    (d: { slot: string }) => `The step asked for the slot "${d.slot}", which this run does not hold.`,
  ),
  MF_SLOT_SHAPE: ours(
    (d: { slot: string; was: readonly number[]; is: readonly number[] }) =>
      `Slot "${d.slot}" was put with shape [${d.is}], but it was declared with [${d.was}]. A slot keeps its shape.`,
  ),
  MF_PUT_IN_TAPE: ours(
    (d: { slot: string }) =>
      `Slot "${d.slot}" was put inside the tape (beforeForward, a loss term, afterLoss). Put it in beforeStep, afterBackward or afterUpdate.`,
  ),
  MF_STEP_READ: ours(
    (d: { call: string; where: string | null }) =>
      `A tensor was read (${d.call}) while the training step ran${by(d.where)}. The step must be traceable: report() the tensor and read it outside.`,
  ),
  MF_STEP_RANDOM: ours(
    (d: { where: string | null }) =>
      `The training step${by(d.where)} drew from Math.random (tf.random… does). Draw from step.random, which is saved and reproducible.`,
  ),
  MF_IN_REPEAT: ours(
    (d: { call: string; where: string | null }) =>
      `step.${d.call}() was called inside step.repeat${by(d.where)}. Carry the value in the loop's state, and ${d.call} it afterwards.`,
  ),
  MF_EXPOSE_EARLY: ours(
    (d: { name: string; where: string | null }) =>
      `"${d.name}" was exposed in the first half of the step${by(d.where)}. Expose it in afterBackward or afterUpdate.`,
  ),
  MF_CAPTURED_NUMBER: ours(
    (d: { plugin: string }) =>
      `Plugin "${d.plugin}" bakes a number that changes over time into the step. Declare it with context.scalar().`,
  ),
  MF_NOT_FINITE: user(
    (d: { step: number; where: string; losses: string }) =>
      `The ${d.where} became NaN or infinite at step ${d.step} (${d.losses}). Lower the learning rate, check the data, or clip gradients.`,
  ),
  MF_LEAK: ours(
    (d: { step: number; before: number; after: number }) =>
      `A training step leaked tensors: ${d.before} before step ${d.step}, ${d.after} after it. Return tensors or report them; keep none.`,
  ),

  // ── autodiff ──
  MF_JVP_NO_RULE: ours(
    (d: { kernel: string }) =>
      `jvp() has no rule for the kernel "${d.kernel}". Write the function with kernels it knows, or add a rule with registerJvpRule("${d.kernel}", …).`,
  ),
  MF_JVP_SHAPE: ours(
    (d: { index: number; primal: readonly number[]; tangent: readonly number[] }) =>
      `jvp(): tangent ${d.index} has shape [${d.tangent}], its primal [${d.primal}]. They must be equal.`,
  ),
  MF_JVP_COUNT: ours(
    (d: { primals: number; tangents: number }) =>
      `jvp() got ${d.primals} primals and ${d.tangents} tangents. Give one tangent a primal, null for a constant.`,
  ),
  MF_JVP_RULE_SHAPE: ours(
    (d: { kernel: string; tangent: readonly number[]; output: readonly number[] }) =>
      `The jvp rule of the kernel "${d.kernel}" returned shape [${d.tangent}] for an output of shape [${d.output}]. Fix the rule.`,
  ),
  MF_LOSS_SHAPE: ours(
    (d: { shape: readonly number[] }) =>
      `A loss has shape [${d.shape}]. A gradient needs one number: take its mean or sum.`,
  ),

  // ── backends ──
  MF_BACKEND_MISSING: user(
    (d: { backend: string; reason: string; install: string }) =>
      `Backend "${d.backend}" is not usable here: ${d.reason}. ${d.install}`,
  ),
  MF_BLAS_LIBRARY: user(
    (d: { path: string; reason: string }) =>
      `MF_BLAS_LIB names "${d.path}", which cannot be used for matrix products: ${d.reason}. Correct it, or unset it.`,
  ),

  // ── files ──
  MF_FILE_MISSING: user((d: { path: string; what: string }) => `${d.what} "${d.path}" does not exist.`),
  MF_FILE_UNREADABLE: user((d: { path: string; problem: string }) => `"${d.path}" cannot be read: ${d.problem}.`),
  MF_FILE_FORMAT: user((d: { path: string; problem: string }) => `"${d.path}" is not usable: ${d.problem}.`),
  MF_FILE_UNWRITABLE: user((d: { path: string; problem: string }) => `"${d.path}" cannot be written: ${d.problem}.`),
  MF_DATA_VALUE: user(
    (d: { path: string; array: string; problem: string }) => `"${d.path}": array "${d.array}" ${d.problem}.`,
  ),

  MF_BATCH_SIZE: user((d: { batchSize: number; size: number | null }) =>
    Number.isSafeInteger(d.batchSize) && d.batchSize > 0
      ? `A batch of ${d.batchSize} is larger than the data, which has ${d.size} samples. Give a smaller batch size, or more data.`
      : `A batch of ${d.batchSize} samples is impossible. Give a positive whole number.`,
  ),
  MF_BATCH_SHAPE: ours(
    (d: { array: string; shape: readonly number[]; rows: number }) =>
      `The data source gave "${d.array}" of shape [${d.shape}] where ${d.rows} rows were due. The first dimension counts the samples.`,
  ),
  MF_DATA_WORKER: ours(
    (d: { module: string; cause: string }) => `Reading data in a worker thread ("${d.module}") failed: ${d.cause}`,
  ),

  // ── checkpoints and runs ──
  MF_CHECKPOINT_NONE: user(
    (d: { where: string }) => `No usable checkpoint in "${d.where}". Train first, or name another run.`,
  ),
  MF_CHECKPOINT_DAMAGED: user(
    (d: { path: string; problem: string }) => `Checkpoint "${d.path}" is damaged: ${d.problem}.`,
  ),
  MF_CHECKPOINT_NEWER: user(
    (d: { path: string; version: number; known: number }) =>
      `Checkpoint "${d.path}" has format ${d.version}; this MotionForge reads up to ${d.known}. Update MotionForge.`,
  ),
  MF_CHECKPOINT_SHAPES: user(
    (d: { path: string; differences: readonly string[] }) =>
      `Checkpoint "${d.path}" does not fit this configuration:\n  ${first(8, d.differences).join("\n  ")}\nUse the configuration it was trained with.`,
  ),
  MF_CHECKPOINT_STATE: user(
    (d: { path: string; plugin: string }) =>
      `Checkpoint "${d.path}" holds state of the plugin "${d.plugin}", which is not in this run. Add the plugin, or give --drop-state ${d.plugin}.`,
  ),
  MF_RUN_STOPPED: user(
    (d: { run: string; reason: string }) =>
      `Run "${d.run}" has ended (${d.reason}). Give more --steps, or --resume best|<checkpoint> with --force to train on.`,
  ),
  MF_RUN_LOCKED: user(
    (d: { run: string; pid: number }) => `Run "${d.run}" is being trained by process ${d.pid}. Give another --name.`,
  ),
  MF_RUN_EXISTS: user(
    (d: { run: string }) => `Run "${d.run}" exists. Continue it with --resume last, or give another --name.`,
  ),
  MF_INFERENCE_NONE: user(
    (d: { task: string }) =>
      `An evaluator asks the task "${d.task}" for answers, and it has no inference. Use the evaluator with a task that has.`,
  ),

  MF_PLUGIN_UNTRAINED: user(
    (d: { plugin: string; path: string }) =>
      `Checkpoint "${d.path}" holds no state of the plugin "${d.plugin}", which a trained model needs. Leave the plugin out.`,
  ),
  MF_HELD_OUT_NONE: user(
    (d: { task: string }) =>
      `The task "${d.task}" has no held-out data to measure the loss on. Leave out what asks for it.`,
  ),
  MF_RENDER_NONE: user(
    (d: { task: string; evaluators: readonly string[] }) =>
      `No evaluator of the task "${d.task}" draws pictures (${d.evaluators.join(", ") || "there is none"}). Leave out what asks for some.`,
  ),

  // ── configuration and command line ──
  MF_CONFIG: user((d: { where: string; problems: readonly string[] }) =>
    d.problems.length === 1 ? `${d.where}: ${d.problems[0]}` : `${d.where}:\n  ${d.problems.join("\n  ")}`,
  ),
  MF_UNKNOWN: user(
    (d: { kind: string; name: string; known: readonly string[] }) =>
      `Unknown ${d.kind} "${d.name}".${hint(d.name, d.known)}`,
  ),
  MF_USAGE: user((d: { problem: string; usage: string }) => `${d.problem} ${d.usage}`),
  MF_INTERVAL: user(
    (d: { value: string }) =>
      `"${d.value}" is not an interval. Write a positive number and steps, epochs or minutes: "500 steps".`,
  ),
  MF_INTERNAL: ours((d: { problem: string }) => d.problem),
});
export type { Entry };
