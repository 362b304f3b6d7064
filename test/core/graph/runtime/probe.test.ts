import { expect, test } from "vitest";
import { probeRuntime } from "../../../../core/graph/runtime/probe.ts";

test("every device is listed with its speed, or with why it is not usable", async () => {
  const probes = await probeRuntime();
  expect(probes.map(({ name }) => name)).toEqual([
    "onnxruntime",
    "onnxruntime + koffi",
    "onnxruntime cuda",
    "onnxruntime webgpu",
  ]);
  for (const probe of probes) {
    if (probe.available) {
      expect(probe.description).toMatch(/^ONNX Runtime .*float32/);
      expect(probe.forward_gflops).toBeGreaterThan(0);
      expect(probe.backward_gflops).toBeGreaterThan(0);
    } else {
      expect(probe.description).toMatch(/\[MF_(DEVICE_MISSING|RUNTIME_API)\]$/);
      expect([probe.forward_gflops, probe.backward_gflops]).toEqual([null, null]);
    }
  }
  expect(probes[0]!.available).toBe(true);
});
