import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import type { HostBatch } from "../../core/data/host-tensor.ts";
import { ONNX_IR_VERSION, ONNX_OPSET } from "../../core/graph/onnx/model.ts";
import { mapTree } from "../../core/tree.ts";
import { exportedSolver } from "./exported.ts";

const script = fileURLToPath(new URL("onnx_check.py", import.meta.url));
const python = ["python3", "/usr/bin/python3", "python"].find(
  (candidate) => spawnSync(candidate, ["-c", "import onnx, onnxruntime, numpy"], { stdio: "ignore" }).status === 0,
);
const reason = python === undefined ? " (skipped: no Python interpreter here has onnx and onnxruntime)" : "";

const rowsOf = (batch: HostBatch): Record<string, number[] | number[][]> =>
  mapTree(({ data, shape: [rows, width] }) => {
    const values = Array.from(data as Float32Array);
    return width === undefined
      ? values
      : Array.from({ length: rows! }, (_, i) => values.slice(i * width, (i + 1) * width));
  }, batch);

test.skipIf(python === undefined)(
  `an exported model passes ONNX' own checks in Python and gives what the model gives${reason}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "mf-onnx-"));
    try {
      const { bytes, inputs, expected } = await exportedSolver(17);
      const path = join(folder, "solver.onnx");
      await writeFile(path, bytes);
      const printed = execFileSync(python!, [script, path], {
        input: JSON.stringify(rowsOf(inputs)),
        encoding: "utf8",
      });
      const found = JSON.parse(printed);

      expect(found.ir_version).toBe(ONNX_IR_VERSION);
      expect(found.opsets).toEqual({ "": ONNX_OPSET });
      expect(found.initializers).toEqual(expect.arrayContaining(["stem/kernel", "stem/bias", "head/kernel"]));
      expect(found.shapes).toEqual({
        pose: ["batch", 7],
        reference: ["batch", 7],
        joints: ["batch", 7],
        within_limits: ["batch"],
      });
      expect(JSON.parse(found.metadata.joints)).toContain("panda_joint7");
      const { joints, within_limits } = rowsOf(expected) as { joints: number[][]; within_limits: number[] };
      expect(found.outputs.within_limits).toEqual(within_limits);
      expect(found.outputs.joints).toEqual(joints.map((row) => row.map((value) => expect.closeTo(value, 5))));
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
