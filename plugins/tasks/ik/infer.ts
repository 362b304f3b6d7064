import { toFloat32 } from "../../../core/data/convert.ts";
import { checkFinite, checkShape } from "../../../core/data/files.ts";
import { float32, type HostTensor } from "../../../core/data/host-tensor.ts";
import type { Json } from "../../../core/json.ts";
import { createStream } from "../../../core/random.ts";
import type { InferRequest, Predict } from "../../../core/task.ts";
import { poseRows, posesFromRows, type Regime } from "./data.ts";
import { ikErrors } from "./errors.ts";
import type { Chain } from "./robot/chain.ts";
import { dlsBatch } from "./robot/dls.ts";
import type { Poses } from "./robot/kinematics.ts";
import { poseErrors } from "./robot/pose-error.ts";
import { clampToLimits, middleConfiguration, sampleConfigurations } from "./robot/sampling.ts";

const poseNames = ["pose", "poses", "target_pose"];
const referenceNames = ["reference", "q"];

/**
 * Joint solutions for poses `[N, 7]` (array `pose`, `poses` or `target_pose`: x y z qw qx qy qz), from references
 * `[N, dof]` (array `reference` or `q`) where given. Without one the servo regime starts at the middle of the joint
 * range, the global regime anywhere. Options: `samples` solutions a pose, `polish` damped-least-squares steps, `seed`.
 */
export async function answerWithJoints(
  chain: Chain,
  predict: Predict,
  { inputs, source, options }: InferRequest,
  regime: Regime,
): Promise<Json> {
  const dof = chain.joints.length;
  const samples = wholeOption(options, "samples", 1, 1);
  const polish = wholeOption(options, "polish", 0, 0);
  const seed = wholeOption(options, "seed", 0, 0);
  const pose = find(inputs, poseNames, source);
  if (pose === null) {
    throw ikErrors.MF_IK_INPUT({ source, problem: `holds no poses; give an array "pose" [N, 7] (x y z qw qx qy qz)` });
  }
  const shaped = pose.shape.length === 1 ? { ...pose, shape: [1, pose.shape[0]!] } : pose;
  checkShape(source, "pose", shaped, [null, 7]);
  checkFinite(source, "pose", shaped);
  const count = shaped.shape[0]!;
  const reference = find(inputs, referenceNames, source);
  if (reference !== null) {
    checkShape(source, "reference", reference, [count, dof]);
    checkFinite(source, "reference", reference);
  }

  const targets = repeatRows(posesFromRows(toFloat32(shaped).data, source), samples);
  const start = starts(chain, reference, count, samples, seed, regime);
  const solved = await predict({
    pose: float32(poseRows(targets), [count * samples, 7]),
    reference: float32(start, [count * samples, dof]),
  });
  const joints = solved["joints"]!.data as Float32Array;
  const inside = solved["within_limits"]!.data;
  const q = polish === 0 ? joints : dlsBatch(chain, joints, targets, polish);
  const { position_error_mm, orientation_error_deg } = poseErrors(chain, q, targets);
  return {
    robot: chain.description.name,
    link: chain.tip,
    joints: chain.joints.map((j) => j.name),
    solutions: Array.from({ length: count }, (_, pose) =>
      Array.from({ length: samples }, (_, sample) => {
        const i = pose * samples + sample;
        return {
          q: Array.from(row(q, i, dof)),
          position_error_mm: position_error_mm[i]!,
          orientation_error_deg: orientation_error_deg[i]!,
          /** False when the network's own answer left the joint limits and was clamped. */
          within_limits: inside[i] === 1,
        };
      }),
    ),
  };
}

/** Where each sample starts, `[N·samples, dof]`: the reference; further samples in the servo regime near it. */
function starts(
  chain: Chain,
  reference: HostTensor | null,
  count: number,
  samples: number,
  seed: number,
  { regime, sigma }: Regime,
): Float32Array {
  const dof = chain.joints.length;
  const random = createStream(seed, "ik/infer");
  if (reference === null && regime === "global") {
    return Float32Array.from(sampleConfigurations(chain, random, count * samples));
  }
  const given = reference === null ? null : toFloat32(reference).data;
  const middle = middleConfiguration(chain);
  const start = new Float32Array(count * samples * dof);
  for (let i = 0; i < start.length; i++) {
    const joint = i % dof;
    const sample = Math.floor(i / dof) % samples;
    const at = given?.[Math.floor(i / (dof * samples)) * dof + joint] ?? middle[joint]!;
    start[i] = sample === 0 ? at : at + sigma * random.normal();
  }
  return clampToLimits(chain, start);
}

const row = <A extends Float32Array | Float64Array>(q: A, i: number, dof: number): A =>
  q.subarray(i * dof, (i + 1) * dof) as A;

function repeatRows({ positions, quaternions }: Poses, times: number): Poses {
  const repeat = (values: Float64Array, size: number): Float64Array =>
    Float64Array.from(
      { length: values.length * times },
      (_, i) => values[Math.floor(i / (size * times)) * size + (i % size)]!,
    );
  return { positions: repeat(positions, 3), quaternions: repeat(quaternions, 4) };
}

function find(inputs: InferRequest["inputs"], names: readonly string[], source: string): HostTensor | null {
  const found = names.filter((name) => name in inputs);
  if (found.length > 1) {
    throw ikErrors.MF_IK_INPUT({
      source,
      problem: `holds both "${found[0]}" and "${found[1]}", which mean the same; keep one`,
    });
  }
  return found.length === 0 ? null : inputs[found[0]!]!;
}

function wholeOption(options: Readonly<Record<string, Json>>, name: string, fallback: number, min: number): number {
  const value = options[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < min) {
    throw ikErrors.MF_IK_OPTION({
      option: name,
      problem: `must be a whole number ≥ ${min}, received ${JSON.stringify(value)}`,
    });
  }
  return value;
}
