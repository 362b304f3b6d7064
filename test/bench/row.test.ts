import { expect, test } from "vitest";
import { contenders } from "../../bench/contenders.ts";
import { measure } from "../../bench/row.ts";
import { table } from "../../bench/table.ts";
import type { Workload } from "../../bench/workloads.ts";

const workload: Workload = {
  ...{ kind: "pose", name: "tiny", width: 8, depth: 1, condition: 8, batch: 4 },
  ...{ kinematics: false, pDistinct: 0.25 },
};

test("a row has figures of each contender that runs, and the reason of each that does not", async () => {
  const eager = contenders.filter(({ name }) => name === "eager wasm");
  const absent = {
    name: "absent",
    command: () => {
      throw new Error("not installed");
    },
  };
  const row = await measure(workload, [absent, ...eager], 1);
  expect(row.missing).toEqual({ absent: "not installed" });
  expect(Object.keys(row.contenders)).toEqual(["eager wasm"]);
  const figures = row.contenders["eager wasm"]!;
  expect(figures).toMatchObject({ ratio: 1, description: "wasm (SIMD)" });
  expect(figures.parameters).toBe(919);
  expect(figures.step_ms).toBeGreaterThan(0);
  expect(figures.peak_memory_mb).toBeGreaterThan(50);
  expect(row.to_flow_matching).toBeGreaterThan(0);

  const text = table([row], ["absent", "eager wasm"]);
  expect(text).toContain("**tiny**");
  expect(text).toContain("- absent has no figure for tiny: not installed");
});
