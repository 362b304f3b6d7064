import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test, vi } from "vitest";
import { useBackend } from "../../../core/engine/backend.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const backend = new URL("../../../core/engine/backend.ts", import.meta.url).href;

const run = (script: string) =>
  spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", script], {
    cwd: root,
    encoding: "utf8",
  });

afterEach(() => vi.unstubAllEnvs());

test("nothing is printed by loading, switching and using backends", () => {
  const { status, stdout, stderr } = run(`
    import { useBackend } from "${backend}";
    import * as tf from "@tensorflow/tfjs-core";
    for (const name of ["cpu", "wasm", "cpu", "auto"]) {
      await useBackend(name);
      tf.grad((x) => tf.matMul(x, x).sigmoid().sum())(tf.ones([8, 8])).dataSync();
    }
  `);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("an uncaught error is shown as itself, not inside the wasm backend's bundle", () => {
  const { status, stderr } = run(`
    import { useBackend } from "${backend}";
    await useBackend("wasm");
    throw new Error("a plain mistake");
  `);
  expect(status).toBe(1);
  expect(stderr).toContain("a plain mistake");
  expect(stderr).not.toContain("tf-backend-wasm");
});

test("the backend asked for becomes the current one, also when asked again", async () => {
  for (const name of ["cpu", "wasm", "cpu"] as const) {
    expect((await useBackend(name)).name).toBe(name);
    expect(tf.getBackend()).toBe(name);
  }
});

test("a tensor made on one backend can be used on the next", async () => {
  await useBackend("cpu");
  const x = tf.tensor1d([1, 2, 3]);
  await useBackend("wasm");
  const y = tf.square(x);
  expect([...y.dataSync()]).toEqual([1, 4, 9]);
  tf.dispose([x, y]);
});

test("the description says where products run, and null BLAS when it is switched off", async () => {
  expect(await useBackend("wasm", { blas: false })).toEqual({ name: "wasm", description: "wasm (SIMD)", blas: null });
  vi.stubEnv("MF_BLAS", "off");
  expect(await useBackend("wasm")).toEqual({ name: "wasm", description: "wasm (SIMD)", blas: null });
});

test("a BLAS library that is named and cannot be loaded is an error, also with auto", async () => {
  vi.stubEnv("MF_BLAS", "");
  vi.stubEnv("MF_BLAS_LIB", "/nowhere/libblas.so");
  const error = { code: "MF_BLAS_LIBRARY", fault: "user", message: expect.stringContaining("/nowhere/libblas.so") };
  await expect(useBackend("wasm")).rejects.toMatchObject(error);
  await expect(useBackend("auto")).rejects.toMatchObject(error);
});

const tensorflow = await useBackend("tensorflow").catch((error: unknown) => error);
const isThere = !(tensorflow instanceof Error);
const why = isThere ? " (skipped: tfjs-node is installed)" : "";

test.skipIf(isThere)(`tensorflow without tfjs-node names the packages and the command${why}`, () => {
  expect(tensorflow).toMatchObject({ code: "MF_BACKEND_MISSING", fault: "user" });
  expect((tensorflow as Error).message).toMatch(
    /tfjs-node-gpu: .*; @tensorflow\/tfjs-node: .*npm i @tensorflow\/tfjs-node/,
  );
});

test.skipIf(isThere)(`auto takes wasm when there is no tfjs-node${why}`, async () => {
  expect((await useBackend("auto")).name).toBe("wasm");
});
