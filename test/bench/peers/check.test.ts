import { expect, test } from "vitest";
import { compareWithTwin } from "../../../bench/peers/check.ts";
import { pythonWithTorch } from "../../../bench/peers/twin.ts";
import type { Workload } from "../../../bench/workloads.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { createEagerEngine } from "../../../core/engine/eager.ts";

const workloads: Workload[] = [true, false].flatMap((kinematics) =>
  [0, 0.25, 1].map((pDistinct) => ({
    name: `${kinematics ? "kinematics" : "plain"}, ${pDistinct} distinct`,
    ...{ width: 24, depth: 2, condition: 16, batch: 20, kinematics, pDistinct },
  })),
);

const reason = pythonWithTorch() === null ? " (skipped: no Python interpreter here has torch)" : "";

test.skipIf(reason !== "")(`the PyTorch twin takes the same steps${reason}`, async () => {
  await useBackend("cpu");
  for (const difference of await compareWithTwin(workloads, createEagerEngine())) {
    expect(difference, difference.workload).toSatisfy(
      ({ loss, norm, gradients, updates }) => loss < 1e-5 && norm < 1e-5 && gradients < 1e-5 && updates < 1e-4,
    );
  }
});
