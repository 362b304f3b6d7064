import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { environment, probeBackends } from "../../../core/engine/probe.ts";

afterEach(() => vi.unstubAllEnvs());

test("the environment names this package's version, Node and the machine", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
  const found = environment();
  expect(found).toMatchObject({ motionforge: version, tfjs: "4.22.0", platform: process.platform, arch: process.arch });
  expect(`v${found.node}`).toBe(process.version);
  expect(found.cores).toBeGreaterThanOrEqual(1);
  expect(found.memory_gib).toBeGreaterThan(0);
});

test("every backend is measured or says why not, and a missing BLAS says what to do", async () => {
  vi.stubEnv("MF_BLAS", "off");
  const probes = await probeBackends();
  expect(probes.map(({ name }) => name)).toEqual(["cpu", "wasm", "wasm + BLAS", "tensorflow"]);
  for (const { available, forward_gflops, backward_gflops, description } of probes) {
    expect(description).not.toBe("");
    expect([forward_gflops !== null, backward_gflops !== null]).toEqual([available, available]);
    if (available) expect(Math.min(forward_gflops!, backward_gflops!)).toBeGreaterThan(0);
  }
  const [cpu, wasm, blas] = probes;
  expect([cpu!.available, wasm!.available]).toEqual([true, true]);
  expect(blas).toMatchObject({ available: false, description: "switched off by MF_BLAS=off", advice: "unset MF_BLAS" });
});
