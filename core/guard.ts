import type { FullTap, HookInterceptor } from "tapable";
import { actAs } from "./acting.ts";
import { errors, isMfError } from "./errors.ts";
import { type Hooks, isTransform } from "./hooks.ts";

/**
 * Names the plugin in every tap failure, and refuses taps that tapable would accept and misplace:
 * a foreign name, `{ before }` (an unknown one jumps to the front), and taps made after setup.
 * `settingUp` tells the plugin whose setup is running, if any.
 */
export function guardHooks(hooks: Hooks, settingUp: () => string | undefined): void {
  for (const [hook, target] of Object.entries(hooks)) {
    const waits = target.constructor.name.startsWith("Async");
    (target as { intercept(i: HookInterceptor<unknown, unknown>): void }).intercept({
      register(tap): FullTap {
        const plugin = settingUp();
        if (plugin === undefined) throw errors.MF_TAP_LATE({ name: tap.name, hook });
        if (tap.name !== plugin) throw errors.MF_TAP_NAME({ plugin, hook, name: tap.name });
        if (tap.before !== undefined) throw errors.MF_TAP_BEFORE({ plugin, hook });
        const fn = tap.fn as (...args: unknown[]) => unknown;
        const guarded = guardTap(tap.type === "async" ? promised(fn) : fn, plugin, hook, waits);
        // tapable does not wait for an async function given to tap(): on a waiting hook it becomes a tapPromise.
        // One with a callback becomes one too, so that what it hands to the callback is checked like a result.
        return waits && tap.type !== "promise"
          ? { ...tap, type: "promise", fn: async (...args: unknown[]) => guarded(...args) }
          : { ...tap, fn: guarded };
      },
    });
  }
}

/** A function that ends by calling its last argument, `(error, value)`, as one that returns a promise. */
const promised =
  (fn: (...args: unknown[]) => unknown) =>
  (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      fn(...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)));
    });

function guardTap(
  fn: (...args: unknown[]) => unknown,
  plugin: string,
  hook: string,
  waits: boolean,
): (...args: unknown[]) => unknown {
  const fail = (cause: unknown): never => {
    if (isMfError(cause)) throw cause;
    throw errors.MF_TAP_FAILED(
      { plugin, hook, cause: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  };
  const returns = isTransform(hook) || hook === "exchangeGradients";
  const check = (result: unknown): unknown => {
    if (returns && result === undefined) throw errors.MF_TAP_NO_VALUE({ plugin, hook });
    return result;
  };
  return (...args) => {
    let result: unknown;
    try {
      result = actAs(`${plugin}, ${hook}`, () => fn(...args));
    } catch (error) {
      fail(error);
    }
    if (!(result instanceof Promise)) return check(result);
    if (!waits) {
      result.catch(() => {});
      throw isTransform(hook) ? errors.MF_TAP_ASYNC({ plugin, hook }) : errors.MF_TAP_UNAWAITED({ plugin, hook });
    }
    return result.then(check, fail);
  };
}
