import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restore, snapshot } from "../../core/checkpoint/snapshot.ts";
import { toFloat32 } from "../../core/data/convert.ts";
import { float32, type HostTensor } from "../../core/data/host-tensor.ts";
import { readNpz, writeNpz } from "../../core/data/npz.ts";
import { disposeState } from "../../core/engine/eager.ts";
import type { Engine } from "../../core/engine/engine.ts";
import { createStream, type RandomStream } from "../../core/random.ts";
import { mapTree, prefixed, subtree, type Tree } from "../../core/tree.ts";
import { prepare } from "../stepper.ts";
import type { Workload } from "../workloads.ts";
import { forTwin, twinCommand } from "./twin.ts";

const STEPS = 3;
/** Parameters that start at zero would hide most of the network: all are moved, with this deviation. */
const NOISE = 0.05;

/** Of the particle's cube. */
const DIMENSIONS = 2;
/** They shift all energies alike, which the loss does not see: what rounding leaves of zero, Adam makes whole steps. */
const SHIFTS = ["block0/out/bias", "head/bias"];

/** Relative differences between an engine and its PyTorch twin, over steps from the same parameters and draws. */
export interface Difference {
  readonly workload: string;
  /** The largest of the steps. */
  readonly loss: number;
  /** Of the gradients' global norm; the largest of the steps. */
  readonly norm: number;
  /** ‖a − b‖/‖b‖ over all gradients of the last step. */
  readonly gradients: number;
  /** ‖a − b‖/‖b − start‖ over all parameters after the last step that have a gradient. */
  readonly updates: number;
}

type Arrays = Readonly<Record<string, Float32Array>>;

interface Steps {
  /** Of each step. */
  readonly losses: Float32Array;
  readonly norms: Float32Array;
  readonly start: Arrays;
  readonly grads: Arrays;
  readonly params: Arrays;
}

/** Runs each workload on `engine` and in PyTorch. A backend must be in use, and Python have torch. */
export async function compareWithTwin(workloads: readonly Workload[], engine: Engine): Promise<readonly Difference[]> {
  const folder = mkdtempSync(join(tmpdir(), "mf-twin-"));
  try {
    const places = workloads.map((_, i) => join(folder, String(i)));
    const ours: Steps[] = [];
    for (const [i, workload] of workloads.entries()) ours.push(await runHere(workload, engine, places[i]!));
    const { file, args, env } = twinCommand(["--check", ...places]);
    const { status, stderr } = spawnSync(file, args, { env: { ...process.env, ...env }, encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    return await Promise.all(workloads.map((workload, i) => difference(workload, ours[i]!, places[i]!)));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the steps, and leaves in `folder` what the twin needs to repeat them. */
async function runHere(workload: Workload, engine: Engine, folder: string): Promise<Steps> {
  const { assembly, inputsOf } = await prepare(workload);
  const noise = createStream(0, "noise");
  const fresh = assembly.initialState();
  const moved = mapTree((array, path) => {
    const { data, shape } = toFloat32(array);
    return path.startsWith("params/")
      ? float32(
          data.map((x) => x + NOISE * noise.normal()),
          shape,
        )
      : array;
  }, snapshot(fresh));
  let state = restore(fresh, moved, "bench");
  const inputs = Array.from({ length: STEPS }, (_, steps) => inputsOf(steps));

  mkdirSync(folder);
  writeFileSync(join(folder, "workload.json"), forTwin(workload));
  await writeNpz(join(folder, "inputs.npz"), {
    ...prefixed("params", subtree(moved, "params")),
    ...prefixed("batch", inputs[0]!.batch),
    ...prefixed(
      "draws",
      drawsOf(workload, (steps) => inputsOf(steps).random),
    ),
  });

  const losses: number[] = [];
  const norms: number[] = [];
  let grads: Arrays = {};
  const look = async (given: Tree): Promise<Tree> => {
    grads = mapTree((g) => Float32Array.from(g.dataSync()), given);
    norms.push(distance(grads, null));
    return given;
  };
  for (const one of inputs) {
    const result = await engine.run(assembly.program, state, [one], look);
    state = result.state;
    losses.push(result.read()["loss"]!);
  }
  const after = snapshot(state);
  engine.dispose();
  disposeState(state);
  return {
    losses: Float32Array.from(losses),
    norms: Float32Array.from(norms),
    start: floats(moved, "params"),
    grads,
    params: floats(after, "params"),
  };
}

/** What each step draws from its own stream, in its order: `[STEPS, …]` by the name that the twin gives it. */
function drawsOf(workload: Workload, stream: (step: number) => RandomStream): Record<string, HostTensor> {
  const { batch } = workload;
  const one = (random: RandomStream): Record<string, HostTensor> => {
    if (workload.kind === "pose") return { times: float32(random.normals(2 * batch), [2, batch, 1]) };
    const { negatives, iterations } = workload;
    const shape = [batch, negatives, DIMENSIONS];
    const size = batch * negatives * DIMENSIONS;
    return {
      starts: float32(random.uniforms(size, 0, 1), shape),
      noises: float32(random.normals(iterations * size), [iterations, ...shape]),
    };
  };
  const all = Array.from({ length: STEPS }, (_, step) => one(stream(step)));
  return mapTree(
    ({ shape }, name) => float32(Float32Array.from(all.flatMap((draws) => [...draws[name]!.data])), [STEPS, ...shape]),
    all[0]!,
  );
}

const floats = (arrays: Awaited<ReturnType<typeof readNpz>>, prefix: string): Arrays =>
  mapTree((array) => toFloat32(array).data, subtree(arrays, prefix));

async function difference({ kind, name }: Workload, ours: Steps, folder: string): Promise<Difference> {
  const theirs = await readNpz(join(folder, "outputs.npz"));
  const [grads, params] = [floats(theirs, "grads"), floats(theirs, "params")];
  const unseen = kind === "energy" ? SHIFTS : [];
  const learned = (arrays: Arrays): Arrays =>
    Object.fromEntries(Object.entries(arrays).filter(([path]) => !unseen.includes(path)));
  const worst = (mine: Float32Array, of: string): number =>
    Math.max(...mine.map((x, i) => Math.abs(x / toFloat32(theirs[of]!).data[i]! - 1)));
  return {
    workload: name,
    loss: worst(ours.losses, "losses"),
    norm: worst(ours.norms, "norms"),
    gradients: distance(ours.grads, grads) / distance(grads, null),
    updates: distance(learned(ours.params), params) / distance(learned(params), ours.start),
  };
}

/** Euclidean distance of all numbers of two trees; of one from zero. */
function distance(a: Arrays, b: Arrays | null): number {
  let sum = 0;
  for (const [path, values] of Object.entries(a)) {
    for (const [i, x] of values.entries()) sum += (x - (b === null ? 0 : b[path]![i]!)) ** 2;
  }
  return Math.sqrt(sum);
}
