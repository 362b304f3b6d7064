import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openDeviceState } from "../../../../core/graph/runtime/device-state.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { type Trained, trained } from "./device-state-child.ts";
import { mixed, momentumStep, normals } from "./models.ts";

test("the state goes from step to step, and can be read and loaded in between", async () => {
  const { outputs, losses, afterTwo, afterFour, restarted } = await trained("cpu");
  expect(outputs).toEqual(["loss"]);
  const session = await (await openRuntime()).createSession(momentumStep(8, 16), "the step");
  let state = { w: normals("w", [16, 16]), m: { ...normals("w", [16, 16]), data: new Float32Array(256) } };
  for (let at = 0; at < 4; at++) {
    const next = await session.run({
      ...state,
      frozen: normals("frozen", [16, 16]),
      x: normals(`x${at}`, [8, 16]),
      y: normals(`y${at}`, [8, 16]),
      rate: { dtype: "float32", shape: [], data: Float32Array.of(0.5) },
    });
    state = { w: next["next:w"], m: next["next:m"] } as typeof state;
    expect(losses[at]).toBe((next["loss"]!.data as Float32Array)[0]);
    const read = [restarted, afterTwo, null, afterFour][at];
    if (read)
      expect(read).toEqual({
        w: [...state.w.data],
        m: [...state.m.data],
        frozen: [...normals("frozen", [16, 16]).data],
      });
  }
  expect(losses[4]).toBe(losses[0]);
  session.release();
});

test("a model without the state's outputs is refused before its first step", async () => {
  const state = [{ name: "x", dtype: "float32", shape: [4] }] as const;
  await expect(openDeviceState({ bytes: mixed(), name: "the step", device: "cpu", state })).rejects.toMatchObject({
    code: "MF_MODEL_REFUSED",
    message: expect.stringContaining('"next:x"'),
  });
});

const driver = process.env["TEST_VULKAN_ICD"] ?? "/usr/lib/chromium/vk_swiftshader_icd.json";
const here = existsSync(driver);
const why = here ? "" : ` (skipped: no ${driver}; apt install chromium-common, or set TEST_VULKAN_ICD)`;

test.skipIf(!here)(`on webgpu the state stays on the device and agrees with the cpu's${why}`, async () => {
  const runtimeFolder = mkdtempSync(join(tmpdir(), "mf-webgpu-"));
  // Vulkan's loader reads its variables when the process starts.
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import=tsx", fileURLToPath(new URL("device-state-child.ts", import.meta.url)), "webgpu"],
    {
      encoding: "utf8",
      env: { ...process.env, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver, XDG_RUNTIME_DIR: runtimeFolder },
    },
  );
  rmSync(runtimeFolder, { recursive: true });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const gpu = JSON.parse(stdout) as Trained & { locations: string[] };
  // Two steps and a read, twice; then the state loaded again.
  const gpuRuns = new Array<string>(5).fill("gpu-buffer");
  expect(gpu.locations).toEqual(["cpu", ...gpuRuns, "cpu", "gpu-buffer"]);
  const cpu = await trained("cpu");
  expect(gpu.outputs).toEqual(["loss"]);
  for (const [i, loss] of cpu.losses.entries()) expect(gpu.losses[i]).toBeCloseTo(loss, 5);
  for (const moment of ["afterTwo", "afterFour", "restarted"] as const)
    for (const name of ["w", "m", "frozen"]) {
      const [ours, theirs] = [gpu[moment][name]!, cpu[moment][name]!];
      expect(ours.length).toBe(256);
      expect(Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!)))).toBeLessThan(1e-5);
    }
});
