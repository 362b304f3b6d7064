import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type * as Ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { exportedSolver } from "./exported.ts";

/** The package that examples/onnx-web uses, installed there or here. */
function findPackage(): string | undefined {
  for (const from of ["../../examples/onnx-web/package.json", "../../package.json"]) {
    try {
      return createRequire(new URL(from, import.meta.url)).resolve("onnxruntime-web");
    } catch {}
  }
  return undefined;
}
const path = findPackage();
const reason =
  path === undefined ? " (skipped: onnxruntime-web is installed neither here nor in examples/onnx-web)" : "";

test.skipIf(path === undefined)(
  `the runtime of browsers gives what the model gives, at several batch sizes${reason}`,
  async () => {
    // It has the interface of onnxruntime-node.
    const ort: typeof Ort = await import(pathToFileURL(path!).href).then((m) => m.default ?? m);
    ort.env.wasm.numThreads = 1;
    for (const rows of [1, 5]) {
      const { bytes, inputs, expected } = await exportedSolver(rows);
      const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
      expect(session.inputNames).toEqual(["pose", "reference"]);
      const tensor = (name: "pose" | "reference") =>
        new ort.Tensor("float32", inputs[name]!.data as Float32Array, inputs[name]!.shape);
      const found = await session.run({ pose: tensor("pose"), reference: tensor("reference") });
      expect(found["joints"]!.dims).toEqual([rows, 7]);
      const close = Array.from(expected["joints"]!.data, (value) => expect.closeTo(value, 5));
      expect(Array.from(found["joints"]!.data as Float32Array)).toEqual(close);
      expect(found["within_limits"]!.data).toEqual(expected["within_limits"]!.data);
      await session.release();
    }
  },
);
