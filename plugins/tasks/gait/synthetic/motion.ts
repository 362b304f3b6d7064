import { JOINTS, MOTION_WIDTH, ROOT_DX, ROOT_DZ, ROOT_HEIGHT, SAMPLES, SAMPLES_PER_CYCLE } from "../motion/layout.ts";
import type { Body, BodyPoint, EndName } from "../skeleton/body.ts";
import { emptyStance, placeJoints, writePoint } from "../skeleton/kinematics.ts";
import { LIFTED, SUPPORT } from "./curves.ts";
import { writePose } from "./pose.ts";
import { type LegTraits, type Walk, walkOf } from "./traits.ts";

const HALF_CYCLE = SAMPLES_PER_CYCLE / 2;
/** Pelvis and legs come first among the joints. */
const LEG_JOINTS = JOINTS.findIndex(({ name }) => name === "Spine");
/** Points of the feet that can touch the ground: right and left in turn. */
const SOLE: readonly EndName[] = ["Heel", "ThumbBase", "PinkyBase", "ThumbTip", "PinkyTip"].flatMap((end) => [
  `${end}R` as EndName,
  `${end}L` as EndName,
]);

const POINTS = SOLE.length;
/** Per metre: heights that differ by less than about 1/150 m share the load. */
const SHARPNESS = 150;
/** A foot that comes forward does not lift the body until it is this far below the other; m. */
const SINK = 0.025;
/** What is left between that foot and the ground; m. */
const CLEARANCE = 0.01;
/** Samples at which a foot passes closest to the ground, counted from its own heel strike. */
const PASSING = [21, 24, 27];
/** Bending of the hip that raises the foot by a metre, if it could, and the most there is; rad. */
const LIFT_PER_METRE = 5.5;
const MOST_LIFT = 0.5;

const frame = new Float64Array(MOTION_WIDTH);
const stance = emptyStance();
/** `[30, points, 3]`: the soles seen from the pelvis. */
const soles = new Float64Array(SAMPLES_PER_CYCLE * POINTS * 3);
/** `[30, points]`: each point's share in carrying the root. */
const loads = new Float64Array(SAMPLES_PER_CYCLE * POINTS);

/**
 * The motion of a made-up walker, `[60·101]`: a smooth function, in closed form, of the row of raw parameters that
 * starts at `at` (shipped description). Two equal cycles from the right heel's strike on; six-dimensional blocks are
 * orthonormal; the lower foot stands on the ground and carries the root forward.
 */
export function syntheticMotion(params: ArrayLike<number>, at = 0): Float32Array {
  const motion = new Float32Array(SAMPLES * MOTION_WIDTH);
  const walk = steppingOver(walkOf(params, at));
  const points = pointsOf(walk.body);
  for (let i = 0; i < SAMPLES_PER_CYCLE; i++) {
    placeSoles(walk, points, i);
    motion.set(frame, i * MOTION_WIDTH);
    motion[i * MOTION_WIDTH + ROOT_HEIGHT] = stand(i);
  }
  writeDisplacements(motion, walk.framesPerSample);
  motion.copyWithin(SAMPLES_PER_CYCLE * MOTION_WIDTH, 0, SAMPLES_PER_CYCLE * MOTION_WIDTH);
  return motion;
}

const pointsOf = ({ ends }: Body): BodyPoint[] => SOLE.map((end) => ends[end]);

/** The walk with legs that bend more where a foot would hit the ground on its way forward. */
function steppingOver(walk: Walk): Walk {
  const points = pointsOf(walk.body);
  const lifted = (leg: LegTraits, foot: number): LegTraits => {
    let depth = 1;
    for (const own of PASSING) {
      const sample = (own + foot * HALF_CYCLE) % SAMPLES_PER_CYCLE;
      placeSoles(walk, points, sample);
      depth += (Math.exp(SHARPNESS * CLEARANCE) * pressFoot(sample, foot)) / pressFoot(sample, 1 - foot);
    }
    return { ...leg, lift: MOST_LIFT * Math.tanh((LIFT_PER_METRE * Math.log(depth)) / SHARPNESS / MOST_LIFT) };
  };
  return { ...walk, R: lifted(walk.R, 0), L: lifted(walk.L, 1) };
}

/** Poses the walker of sample `sample` in `frame`, and puts the soles of a pelvis at height 0 into `soles`. */
function placeSoles(walk: Walk, points: readonly BodyPoint[], sample: number): void {
  writePose(walk, sample, frame);
  placeJoints(walk.body, frame, 0, stance, LEG_JOINTS);
  for (let k = 0; k < POINTS; k++) writePoint(stance, points[k]!, soles, 3 * (sample * POINTS + k));
}

/** Puts each point's load into `loads`, and returns their sum: its logarithm is the sole's depth, a soft maximum. */
function pressFoot(sample: number, foot: number): number {
  let sum = 0;
  for (let k = sample * POINTS + foot; k < (sample + 1) * POINTS; k += 2) {
    const load = Math.exp(-SHARPNESS * soles[3 * k + 1]!);
    loads[k] = load;
    sum += load;
  }
  return sum;
}

/** Shares each foot's load among its points, and returns the height at which the lower foot stands. */
function stand(sample: number): number {
  let sum = 0;
  for (let foot = 0; foot < 2; foot++) {
    const own = (sample + foot * HALF_CYCLE) % SAMPLES_PER_CYCLE;
    const pressed = pressFoot(sample, foot);
    for (let k = sample * POINTS + foot; k < (sample + 1) * POINTS; k += 2) loads[k]! *= SUPPORT[own]! / pressed;
    sum += pressed * Math.exp(-SHARPNESS * SINK * LIFTED[own]!);
  }
  // Three points, as of a foot that rolls, stand exactly on the ground.
  return Math.log(sum / 3) / SHARPNESS;
}

/** What bears the load stays where it is, so the root moves against it. On average the walk is straight ahead. */
function writeDisplacements(motion: Float32Array, framesPerSample: number): void {
  let drift = 0;
  for (let i = 0; i < SAMPLES_PER_CYCLE; i++) {
    const before = 3 * POINTS * ((i + SAMPLES_PER_CYCLE - 1) % SAMPLES_PER_CYCLE);
    const after = 3 * POINTS * ((i + 1) % SAMPLES_PER_CYCLE);
    let dx = 0;
    let dz = 0;
    for (let k = 0; k < POINTS; k++) {
      const load = loads[i * POINTS + k]! / (2 * framesPerSample);
      dx -= load * (soles[after + 3 * k]! - soles[before + 3 * k]!);
      dz -= load * (soles[after + 3 * k + 2]! - soles[before + 3 * k + 2]!);
    }
    motion[i * MOTION_WIDTH + ROOT_DX] = dx;
    motion[i * MOTION_WIDTH + ROOT_DZ] = dz;
    drift += dx / SAMPLES_PER_CYCLE;
  }
  for (let i = 0; i < SAMPLES_PER_CYCLE; i++) motion[i * MOTION_WIDTH + ROOT_DX]! -= drift;
}
