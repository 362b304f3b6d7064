import type * as Ort from "onnxruntime-node";
import { createBuilder } from "../builder.ts";
import { toOnnx } from "../onnx/model.ts";
import { reasonOf, runtimeErrors } from "./errors.ts";

/** Where a graph runs. */
export type Device = "cpu" | "cuda" | "webgpu";

/** What the runtime computes products of float32 in, where it does not promise float32. */
const PRECISION: Record<Device, string> = {
  cpu: "float32",
  cuda: "float32, matrix products in TF32 from NVIDIA's Ampere generation on",
  webgpu: "float32",
};

const INSTALL: Record<Device, string> = {
  cpu: "Reinstall onnxruntime-node.",
  cuda: "It needs Linux on x64, an NVIDIA driver, CUDA 12, cuDNN 9, and the CUDA libraries of ONNX Runtime, which are fetched by: npm i onnxruntime-node --ignore-scripts=false --onnxruntime-node-install=cuda12",
  webgpu:
    "It needs a GPU with a driver for Vulkan (Linux: apt install libvulkan1 and the GPU's driver), Metal or Direct3D 12. Without one use --device cpu.",
};

export const precisionOf = (device: Device): string =>
  // The CUDA libraries read the variable too; 0 forbids TF32.
  device === "cuda" && process.env["NVIDIA_TF32_OVERRIDE"] === "0" ? "float32" : PRECISION[device];

/** How sessions are made; logging is off because what it would print is in the errors that are thrown. */
export const sessionOptions = (device: Device, threads: number): Ort.InferenceSession.SessionOptions => ({
  executionProviders: [device],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
  logSeverityLevel: 4,
});

/** Compiles the smallest model on the device. Throws `MF_DEVICE_MISSING` with what to install. */
export async function requireDevice(ort: typeof Ort, device: Device): Promise<void> {
  const x = createBuilder().input("x", [1]);
  const { bytes } = toOnnx({ inputs: [x], outputs: { y: x } });
  try {
    const session = await ort.InferenceSession.create(bytes, sessionOptions(device, 1));
    await session.release();
  } catch (cause) {
    throw runtimeErrors.MF_DEVICE_MISSING({ device, reason: reasonOf(cause), install: INSTALL[device] }, { cause });
  }
}
