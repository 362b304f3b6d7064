import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { loadRobot } from "../../plugins/tasks/ik/robot/load.ts";
import type { Command } from "../command.ts";
import type { Workload } from "../workloads.ts";

let found: string | null | undefined;

/** A Python interpreter that has PyTorch; null when there is none. */
export function pythonWithTorch(): string | null {
  found ??=
    ["python3", "/usr/bin/python3", "python"].find(
      (candidate) => spawnSync(candidate, ["-c", "import torch"], { stdio: "ignore" }).status === 0,
    ) ?? null;
  return found;
}

/**
 * Runs `twin.py`. Its threads wait without spinning: on few cores those of OpenMP and OpenBLAS would spin against
 * each other, which makes PyTorch up to three times slower.
 */
export function twinCommand(args: readonly string[]): Command {
  const file = pythonWithTorch();
  if (file === null) throw new Error("no Python interpreter here has torch");
  const threads = String(availableParallelism());
  return {
    file,
    args: [fileURLToPath(import.meta.resolve("./twin.py")), ...args],
    env: {
      OMP_WAIT_POLICY: "passive",
      OMP_NUM_THREADS: threads,
      OPENBLAS_NUM_THREADS: threads,
      PYTHONDONTWRITEBYTECODE: "1",
    },
  };
}

/** What the twin is told of a workload: of poses also the robot's geometry. */
export const forTwin = (workload: Workload): string =>
  JSON.stringify(
    workload.kind === "pose" ? { ...workload, aligned: Array.from(loadRobot("panda").chain.aligned) } : workload,
  );
