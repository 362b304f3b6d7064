import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { definePlugin, type PluginContext } from "../../core/plugin.ts";
import { createBench, useBackend } from "../../core/testing/index.ts";

beforeAll(async () => void (await useBackend("cpu")));

const bad = (setup: (context: PluginContext) => unknown) =>
  definePlugin({ name: "bad", summary: "", options: z.strictObject({}), setup })();

test("a transform that forgets to return is named", async () => {
  const bench = createBench(bad(({ hooks }) => hooks.afterBackward.tap("bad", (() => {}) as never)));
  await expect(bench.step()).rejects.toThrow(
    'Plugin "bad" returned nothing from afterBackward. This hook is a transform: return the value, changed or not. [MF_TAP_NO_VALUE]',
  );
});

test("an async transform is refused", async () => {
  const bench = createBench(bad(({ hooks }) => hooks.beforeStep.tap("bad", (async (x: never) => x) as never)));
  await expect(bench.step()).rejects.toThrow('Plugin "bad" returned a promise from beforeStep');
});

test("a promise from onStep, which does not wait, is refused instead of rejecting unseen", async () => {
  const bench = createBench(
    bad(({ hooks }) =>
      hooks.onStep.tap("bad", (async () => {
        throw new Error("net");
      }) as never),
    ),
  );
  await expect(bench.step()).rejects.toThrow("MF_TAP_UNAWAITED");
});

test("a throwing transform is named, with its cause", async () => {
  const cause = new Error("boom");
  const bench = createBench(
    bad(({ hooks }) =>
      hooks.afterLoss.tap("bad", () => {
        throw cause;
      }),
    ),
  );
  const failure = await bench.step().catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: 'Plugin "bad" failed in afterLoss: boom [MF_TAP_FAILED]', cause });
});

test("a rejecting observer is named", async () => {
  const bench = createBench(
    bad(({ hooks }) =>
      hooks.onValidate.tapPromise("bad", async () => {
        throw new Error("net");
      }),
    ),
  );
  await expect(bench.validate({})).rejects.toThrow('Plugin "bad" failed in onValidate: net');
});

test("an observer that hands an error to its callback is named too", async () => {
  const bench = createBench(
    bad(({ hooks }) => hooks.onValidate.tapAsync("bad", (_report, done) => done(new Error("net")))),
  );
  await expect(bench.validate({})).rejects.toThrow('Plugin "bad" failed in onValidate: net');
});

test("an exchange may answer by callback, and may not answer nothing", async () => {
  const answers = createBench(
    bad(({ hooks }) => hooks.exchangeGradients.tapAsync("bad", (grads, _clock, done) => done(null, grads))),
  );
  expect((await answers.step())["loss"]).toBe(25);
  const forgets = createBench(bad(({ hooks }) => hooks.exchangeGradients.tapPromise("bad", (async () => {}) as never)));
  await expect(forgets.step()).rejects.toThrow('Plugin "bad" returned nothing from exchangeGradients');
});

test("{ before }, foreign names and late taps are refused", () => {
  const tapped = (tap: string | { name: string; before: string }) => () =>
    createBench(bad(({ hooks }) => hooks.onStep.tap(tap, () => {})));
  expect(tapped({ name: "bad", before: "nope" })).toThrow("MF_TAP_BEFORE");
  expect(tapped("other")).toThrow('Plugin "bad" tapped onStep as "other"');
  expect(() => createBench(bad(() => {})).hooks.onStep.tap("bad", () => {})).toThrow("MF_TAP_LATE");
});

test("an async function given to tap() on a waiting hook is awaited", async () => {
  let done = false;
  const bench = createBench(
    bad(({ hooks }) =>
      hooks.onValidate.tap("bad", async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        done = true;
      }),
    ),
  );
  await bench.validate({});
  expect(done).toBe(true);
});
