import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { readBytes, readError } from "../../../core/data/bytes.ts";
import type { HostTensor } from "../../../core/data/host-tensor.ts";
import { decodeNpz } from "../../../core/data/npz.ts";
import { episodeStreams, type Particles, resetParticles } from "./environment.ts";
import { particleErrors } from "./errors.ts";
import { oracle } from "./oracle.ts";
import { type Rollout, rollOut } from "./rollout.ts";

/** One episode: what was seen before each action `[steps, dims]`, the actions, and the goals `[dims]`. */
export interface Demonstration {
  readonly steps: number;
  readonly positions: Float64Array;
  readonly velocities: Float64Array;
  readonly actions: Float64Array;
  readonly firstGoal: Float64Array;
  readonly secondGoal: Float64Array;
}

/** The oracle's episodes 0, 1, … of a seed. No success filter is applied: it always succeeds. */
export async function demonstrate(dims: number, episodes: number, seed: number): Promise<Demonstration[]> {
  const start = resetParticles(dims, episodeStreams(seed, "particle/demonstrations", episodes));
  return demonstrationsOf(await rollOut(start, oracle(dims)), start);
}

/** The episodes of a rollout, each on its own. */
export function demonstrationsOf(
  { steps, positions, velocities, actions }: Rollout,
  start: Particles,
): Demonstration[] {
  const { dims, count, firstGoal, secondGoal } = start;
  const gather = (arrays: readonly Float64Array[], i: number): Float64Array => {
    const rows = new Float64Array(steps * dims);
    for (let step = 0; step < steps; step++) rows.set(arrays[step]!.subarray(i * dims, (i + 1) * dims), step * dims);
    return rows;
  };
  return Array.from({ length: count }, (_, i) => ({
    steps,
    positions: gather(positions, i),
    velocities: gather(velocities, i),
    actions: gather(actions, i),
    firstGoal: firstGoal.slice(i * dims, (i + 1) * dims),
    secondGoal: secondGoal.slice(i * dims, (i + 1) * dims),
  }));
}

/** An episode as the trajectory files hold it. */
export function encodeTrajectory(demonstration: Demonstration): string {
  const dims = demonstration.firstGoal.length;
  const rows = (values: Float64Array): number[][] =>
    Array.from({ length: values.length / dims }, (_, i) => Array.from(values.subarray(i * dims, (i + 1) * dims)));
  return JSON.stringify({
    trajectory: { positions: rows(demonstration.positions), velocities: rows(demonstration.velocities) },
    actions: rows(demonstration.actions),
    first_goal_position: Array.from(demonstration.firstGoal),
    second_goal_position: Array.from(demonstration.secondGoal),
  });
}

/** Episodes of equal length as arrays: positions, velocities, actions `[E, steps, dims]`, the goals `[E, dims]`, float64. */
export function toArrays(demonstrations: readonly Demonstration[]): Record<string, HostTensor<"float64">> {
  const { steps, firstGoal } = demonstrations[0]!;
  const [count, dims] = [demonstrations.length, firstGoal.length];
  const stack = (of: (d: Demonstration) => Float64Array, shape: readonly number[]): HostTensor<"float64"> => {
    const data = new Float64Array(count * of(demonstrations[0]!).length);
    for (const [i, d] of demonstrations.entries()) data.set(of(d), i * of(d).length);
    return { dtype: "float64", shape: [count, ...shape], data };
  };
  return {
    positions: stack((d) => d.positions, [steps, dims]),
    velocities: stack((d) => d.velocities, [steps, dims]),
    actions: stack((d) => d.actions, [steps, dims]),
    first_goal_position: stack((d) => d.firstGoal, [dims]),
    second_goal_position: stack((d) => d.secondGoal, [dims]),
  };
}

/**
 * The demonstrations of a folder of .json and .npz files, in the order of their names, or of one such file. Throws
 * MF_FILE_MISSING, MF_PARTICLE_FOLDER for a folder without any, MF_PARTICLE_TRAJECTORY for a file that is no trajectory in
 * `dims` dimensions, has NaN, fewer than two steps, or not one position, velocity and action for each step.
 */
export async function readDemonstrations(path: string, dims: number): Promise<Demonstration[]> {
  const files = await trajectoryFiles(path);
  const all: Demonstration[] = [];
  for (const file of files) {
    const bytes = await readBytes(file, "Trajectory");
    const found = file.endsWith(".npz")
      ? fromArrays(decodeNpz(bytes, file), file)
      : [decodeTrajectory(Buffer.from(bytes).toString("utf8"), file)];
    for (const [i, rows] of found.entries()) {
      const problem = problemOf(rows, dims);
      const which = found.length > 1 ? `episode ${i}: ` : "";
      if (problem !== null) throw particleErrors.MF_PARTICLE_TRAJECTORY({ path: file, problem: `${which}${problem}` });
      all.push(joinRows(rows));
    }
  }
  return all;
}

async function trajectoryFiles(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) {
      if ([".json", ".npz"].includes(extname(path))) return [path];
      throw particleErrors.MF_PARTICLE_TRAJECTORY({ path, problem: "trajectories are .json and .npz files" });
    }
    const names = (await readdir(path)).filter((name) => [".json", ".npz"].includes(extname(name)));
    if (names.length === 0) throw particleErrors.MF_PARTICLE_FOLDER({ path });
    return names.sort().map((name) => join(path, name));
  } catch (cause) {
    throw readError(path, "Demonstrations", cause);
  }
}

/** A trajectory as it was found, unchecked: each array as rows. */
interface Found {
  readonly positions: readonly ArrayLike<number>[];
  readonly velocities: readonly ArrayLike<number>[];
  readonly actions: readonly ArrayLike<number>[];
  readonly first_goal_position: ArrayLike<number>;
  readonly second_goal_position: ArrayLike<number>;
}

function decodeTrajectory(text: string, path: string): Found {
  const fail = (problem: string) => particleErrors.MF_PARTICLE_TRAJECTORY({ path, problem });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Python writes them, though JSON has no such numbers.
    const number = /[:[,]\s*(NaN|-?Infinity)\s*[\],}]/.exec(text)?.[1];
    throw fail(number === undefined ? `it is not JSON (${(cause as Error).message})` : `it holds ${number}`);
  }
  const member = (of: unknown, name: string): unknown =>
    typeof of === "object" && of !== null ? (of as Record<string, unknown>)[name] : undefined;
  const vector = (list: unknown, name: string): number[] => {
    if (!Array.isArray(list)) throw fail(`"${name}" is ${list === undefined ? "missing" : "no list of numbers"}`);
    const other = list.find((item) => typeof item !== "number");
    if (other !== undefined) throw fail(`"${name}" has ${JSON.stringify(other).slice(0, 40)} where a number is due`);
    return list as number[];
  };
  const rows = (list: unknown, name: string): number[][] => {
    if (!Array.isArray(list)) throw fail(`"${name}" is ${list === undefined ? "missing" : "no list of lists"}`);
    return list.map((row, step) => vector(row ?? null, `${name}[${step}]`));
  };
  const trajectory = member(value, "trajectory");
  return {
    positions: rows(member(trajectory, "positions"), "trajectory.positions"),
    velocities: rows(member(trajectory, "velocities"), "trajectory.velocities"),
    actions: rows(member(value, "actions"), "actions"),
    first_goal_position: vector(member(value, "first_goal_position"), "first_goal_position"),
    second_goal_position: vector(member(value, "second_goal_position"), "second_goal_position"),
  };
}

function fromArrays(arrays: Readonly<Record<string, HostTensor>>, path: string): Found[] {
  const fail = (problem: string) => particleErrors.MF_PARTICLE_TRAJECTORY({ path, problem });
  const take = (name: string, rank: number): { readonly shape: readonly number[]; readonly data: Float64Array } => {
    const array = arrays[name];
    if (array === undefined) throw fail(`array "${name}" is missing (it holds ${Object.keys(arrays).join(", ")})`);
    const { dtype, shape } = array;
    if (dtype !== "float64" && dtype !== "float32") throw fail(`array "${name}" is ${dtype}; save float64 or float32`);
    if (shape.length !== rank) {
      const wanted = rank === 3 ? "[episodes, steps, dims]" : "[episodes, dims]";
      throw fail(`array "${name}" has shape [${shape.join(", ")}], not ${wanted}`);
    }
    return { shape, data: Float64Array.from(array.data) };
  };
  const all = {
    positions: take("positions", 3),
    velocities: take("velocities", 3),
    actions: take("actions", 3),
    first_goal_position: take("first_goal_position", 2),
    second_goal_position: take("second_goal_position", 2),
  };
  const episodes = all.positions.shape[0]!;
  const other = Object.entries(all).find(([, { shape }]) => shape[0] !== episodes);
  if (other !== undefined) {
    throw fail(`array "${other[0]}" has ${other[1].shape[0]} episodes, and "positions" ${episodes}`);
  }
  if (episodes === 0) throw fail("it holds no episode");
  const rowsOf = ({ shape, data }: (typeof all)["positions"], episode: number): Float64Array[] => {
    const [, steps, width] = shape as [number, number, number];
    return Array.from({ length: steps }, (_, step) => {
      const from = (episode * steps + step) * width;
      return data.subarray(from, from + width);
    });
  };
  const rowOf = ({ shape, data }: (typeof all)["positions"], episode: number): Float64Array =>
    data.subarray(episode * shape[1]!, (episode + 1) * shape[1]!);
  return Array.from({ length: episodes }, (_, episode) => ({
    positions: rowsOf(all.positions, episode),
    velocities: rowsOf(all.velocities, episode),
    actions: rowsOf(all.actions, episode),
    first_goal_position: rowOf(all.first_goal_position, episode),
    second_goal_position: rowOf(all.second_goal_position, episode),
  }));
}

/** What keeps this from being a trajectory in `dims` dimensions, or null. */
function problemOf(found: Found, dims: number): string | null {
  const { positions, velocities, actions } = found;
  if (velocities.length !== positions.length || actions.length !== positions.length) {
    return `it has ${positions.length} positions, ${velocities.length} velocities and ${actions.length} actions; each step needs one of each`;
  }
  if (positions.length < 2) return `it has ${positions.length === 1 ? "one step" : "no steps"}, and two are the least`;
  const { first_goal_position, second_goal_position } = found;
  for (const [name, rows] of Object.entries({
    positions,
    velocities,
    actions,
    first_goal_position: [first_goal_position],
    second_goal_position: [second_goal_position],
  })) {
    for (const [step, row] of rows.entries()) {
      const where = name.endsWith("_position") ? name : `${name}[${step}]`;
      if (row.length !== dims) {
        return `${where} has ${row.length} numbers, and the task is set up for ${dims} dimensions (--task.dims)`;
      }
      const bad = Array.from(row).find((x) => !Number.isFinite(x));
      if (bad !== undefined) return `${where} has ${bad}`;
    }
  }
  return null;
}

function joinRows(found: Found): Demonstration {
  const join = (rows: readonly ArrayLike<number>[]): Float64Array =>
    Float64Array.from(rows.flatMap((r) => Array.from(r)));
  return {
    steps: found.positions.length,
    positions: join(found.positions),
    velocities: join(found.velocities),
    actions: join(found.actions),
    firstGoal: Float64Array.from(found.first_goal_position),
    secondGoal: Float64Array.from(found.second_goal_position),
  };
}
