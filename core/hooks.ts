import { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook, SyncWaterfallHook } from "tapable";
import type { CheckpointDraft, Clock, RunStart, RunSummary, StepReport, ValidationReport } from "./run.ts";
import type { Batch, Losses, StepContext, TrainState } from "./state.ts";
import type { Tree } from "./tree.ts";

/** Where a tap of `afterLoss` sits among the others. Lower runs earlier; unnamed taps run at 0. */
export const LossStage = { Weight: 0, Scale: 1000 } as const;
/** Where a tap of `afterBackward` sits among the others. Lower runs earlier; unnamed taps run at 0. */
export const GradStage = { Unscale: -1000, Measure: 0, Clip: 500, Guard: 900 } as const;

/**
 * The hook table. The prefix of a name is its contract:
 *
 * - `before…`/`after…` transform inside the training step: synchronous, pure, tensors in and tensors out, traceable.
 * - `on…` observe on the host between steps: may wait, may do IO, return nothing.
 * - other verbs run on the host and return a value.
 */
export const createHooks = () =>
  Object.freeze({
    /** Transforms the batch before the forward pass. Outside the tape: what it computes from params carries no gradient. */
    beforeStep: new SyncWaterfallHook<[Batch, StepContext]>(["batch", "step"], "beforeStep"),
    /** Transforms the parameters on their way to the model. Inside the tape. */
    beforeForward: new SyncWaterfallHook<[Tree, StepContext]>(["params", "step"], "beforeForward"),
    /** Transforms the named loss terms before they are summed. Inside the tape. */
    afterLoss: new SyncWaterfallHook<[Losses, StepContext]>(["losses", "step"], "afterLoss"),
    /** Transforms the gradients before the optimizer sees them. Outside the tape. */
    afterBackward: new SyncWaterfallHook<[Tree, StepContext]>(["grads", "step"], "afterBackward"),
    /** Transforms the state the next step starts from. Outside the tape. */
    afterUpdate: new SyncWaterfallHook<[TrainState, StepContext]>(["next", "step"], "afterUpdate"),

    /** Exchanges gradients with other workers, between the two halves of the step. Tapping it splits the step in two. */
    exchangeGradients: new AsyncSeriesWaterfallHook<[Tree, Clock]>(["grads", "clock"], "exchangeGradients"),

    /** Once, after a checkpoint was restored (or not) and before the first step. */
    onStart: new AsyncSeriesHook<[RunStart]>(["start"], "onStart"),
    /** After every step. Synchronous: what takes time belongs on an interval. */
    onStep: new SyncHook<[StepReport]>(["report"], "onStep"),
    /** After a validation pass. */
    onValidate: new AsyncSeriesHook<[ValidationReport]>(["report"], "onValidate"),
    /** When a checkpoint's manifest is assembled and nothing is written yet. */
    onCheckpoint: new AsyncSeriesHook<[CheckpointDraft]>(["draft"], "onCheckpoint"),
    /** Always, once, at the end; then what plugins hold is disposed in reverse order. */
    onFinish: new AsyncSeriesHook<[RunSummary]>(["summary"], "onFinish"),
  });
export type Hooks = ReturnType<typeof createHooks>;

/** Transforms run inside the step and must return a value. */
export const isTransform = (hook: string): boolean => hook.startsWith("before") || hook.startsWith("after");
