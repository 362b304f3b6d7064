import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { float32 } from "../../core/data/host-tensor.ts";
import { writeNpz } from "../../core/data/npz.ts";
import { run, small } from "./mf.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mf-bad-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pairs = (width: number, bad: number | null) => {
  const q = new Float32Array(20 * width).fill(0.1);
  if (bad !== null) q[width * 3] = bad;
  return {
    q: float32(q, [20, width]),
    q_target: float32(new Float32Array(20 * 7).fill(0.1), [20, 7]),
    target_pose: float32(new Float32Array(20 * 7).fill(0.5), [20, 7]),
  };
};

test.for([
  ["NaN", 7, Number.NaN, '"q" has NaN at row 3'],
  ["an infinity", 7, Number.POSITIVE_INFINITY, '"q" has Infinity at row 3'],
  ["another width", 6, null, '"q" has shape [20, 6], not [*, 7]'],
] as const)(
  "training data with %s: one message with array and row, exit 2, no run left behind",
  async ([, width, bad, message]) => {
    await writeNpz(join(folder, "bad.npz"), pairs(width, bad));
    const { code, stderr } = await run(folder, "train", ...small, "--steps=2", "--task.data=bad.npz");
    expect(stderr).toContain(message);
    expect(stderr.match(/error:/g)).toHaveLength(1);
    expect(stderr).not.toContain("    at ");
    expect(code).toBe(2);
    expect(await readdir(join(folder, "runs")).catch(() => [])).toEqual([]);
  },
);

test("a run that does not stay finite ends with one error, and `mf runs` says so and why", async () => {
  const ended = await run(folder, "train", "particle-mse", "--quick", "--lr=1e30", "--name=wild");
  expect(ended.stderr.match(/became NaN or infinite/g)).toHaveLength(1);
  expect(ended.code).toBe(2);
  const { runs } = JSON.parse((await run(folder, "runs", "--json")).stdout);
  expect(runs).toMatchObject([{ run: "wild", state: "failed", reason: expect.stringContaining("[MF_NOT_FINITE]") }]);
}, 30_000);

test("a damaged newest checkpoint is reported, and the one before is used", async () => {
  const options = [...small, "--checkpointing.every=2 steps", "--name=torn"];
  expect((await run(folder, "train", ...options, "--steps=6")).code).toBe(0);
  await appendFile(join(folder, "runs/torn/checkpoints/step-00000006/tensors.safetensors"), "torn");
  const { code, stderr } = await run(folder, "train", ...options, "--steps=8", "--resume=last");
  expect(stderr).toMatch(/step-00000006" is damaged: .*Using the one before/s);
  expect(stderr).toContain("Resumed torn at step 4");
  expect(code).toBe(0);
  const earlier = await run(folder, "train", ...options, "--steps=10", "--resume=step-00000004");
  expect(earlier.stderr).toContain("torn has later checkpoints (step-00000008, step-00000006)");
  expect(earlier.code).toBe(0);
}, 30_000);

test("a resume that fails to start leaves the run and its checkpoints alone, also without a config.json", async () => {
  const options = [...small, "--name=moved"];
  expect((await run(folder, "train", ...options, "--steps=2")).code).toBe(0);
  await rm(join(folder, "runs/moved/config.json"));
  const broken = await run(folder, "train", ...options, "--steps=4", "--resume=last", "--robot=gone.urdf");
  expect(broken.stderr).toContain('"gone.urdf" does not exist');
  expect(broken.code).toBe(2);
  expect(await readdir(join(folder, "runs/moved/checkpoints"))).toContain("step-00000002");
}, 30_000);
