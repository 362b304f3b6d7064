import { expect, test } from "vitest";
import { compareWithTwin } from "../../../bench/peers/check.ts";
import { pythonWithTorch } from "../../../bench/peers/twin.ts";
import type { Workload } from "../../../bench/workloads.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";

const poses: Workload[] = [true, false].flatMap((kinematics) =>
  [0, 0.25, 1].map((pDistinct) => ({
    kind: "pose",
    name: `${kinematics ? "kinematics" : "plain"}, ${pDistinct} distinct`,
    ...{ width: 24, depth: 2, condition: 16, batch: 20, kinematics, pDistinct },
  })),
);
const energy: Workload = { kind: "energy", name: "energy", width: 24, batch: 20, negatives: 8, iterations: 30 };

const reason = pythonWithTorch() === null ? " (skipped: no Python interpreter here has torch)" : "";

test.skipIf(reason !== "")(`the PyTorch twin takes the same steps${reason}`, async () => {
  await useBackend("cpu");
  for (const difference of await compareWithTwin([...poses, energy], createEagerEngine())) {
    // A unit that few actions wake has a gradient near zero, of which Adam's first steps see little but the sign.
    const updateLimit = difference.workload === energy.name ? 1e-3 : 1e-4;
    expect(difference, difference.workload).toSatisfy(
      ({ loss, norm, gradients, updates }) => loss < 1e-5 && norm < 1e-5 && gradients < 1e-5 && updates < updateLimit,
    );
  }
});
