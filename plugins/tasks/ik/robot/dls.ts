import type { RandomStream } from "../../../../core/random.ts";
import type { Chain } from "./chain.ts";
import { checkSize, type Poses, poseAt, walk, writeJacobian } from "./kinematics.ts";
import { conjugate, multiply, type Pose, rotationVector, writeQuaternion } from "./rotation.ts";
import { clampToLimits, sampleConfigurations } from "./sampling.ts";

export interface DlsOptions {
  /** Damping λ added to the diagonal of JJᵀ. */
  readonly lambda?: number;
  /** Whether a step ends inside the joint limits. Continuous joints have none. */
  readonly clampToLimits?: boolean;
}

/**
 * One step of damped least squares (Wampler 1986; Nakamura & Hanafusa 1986): Δq = Jᵀ(JJᵀ + λI)⁻¹e, taken in full, with
 * e = [Δp in metres; rotation vector of q_target ⊗ q_current⁻¹]. Returns the new joint values `[dof]`.
 */
export function dlsStep(chain: Chain, q: ArrayLike<number>, target: Pose, options: DlsOptions = {}): Float64Array {
  checkSize(chain, q, 1);
  const next = Float64Array.from(q);
  createSolver(chain, options).step(next, target);
  return next;
}

/** `steps` DLS steps from every row of `q` `[B, dof]` to the same row of `targets`: the baseline of learned solvers. */
export function dlsBatch(
  chain: Chain,
  q: Float64Array | Float32Array,
  targets: Poses,
  steps: number,
  options: DlsOptions = {},
): Float64Array {
  const count = checkSize(chain, q);
  const dof = chain.joints.length;
  const solver = createSolver(chain, options);
  const out = Float64Array.from(q);
  for (let row = 0; row < count; row++) {
    const values = out.subarray(row * dof, (row + 1) * dof);
    const target = poseAt(targets, row);
    for (let k = 0; k < steps; k++) solver.step(values, target);
  }
  return out;
}

export interface DlsSolution {
  /** The best joint values found, `[dof]`, solved or not. */
  readonly q: Float64Array;
  readonly solved: boolean;
  /** Steps taken, over all restarts. */
  readonly steps: number;
  /** Of `q`: metres and radians. */
  readonly positionError: number;
  readonly orientationError: number;
}

export interface DlsSolveOptions extends DlsOptions {
  /** Steps from each start. */
  readonly iterations?: number;
  /** Metres. */
  readonly positionTolerance?: number;
  /** Radians. */
  readonly orientationTolerance?: number;
  /** Random starts after the seed has failed; they need `random`. */
  readonly restarts?: number;
  readonly random?: RandomStream;
}

/** DLS steps from `seed` until the target is reached, then from random configurations. */
export function solveDls(
  chain: Chain,
  target: Pose,
  seed: ArrayLike<number>,
  options: DlsSolveOptions = {},
): DlsSolution {
  const { iterations = 50, positionTolerance = 1e-5, orientationTolerance = 1e-5, random } = options;
  const starts = random === undefined ? 0 : (options.restarts ?? 20);
  checkSize(chain, seed, 1);
  const solver = createSolver(chain, options);
  let best: DlsSolution | undefined;
  let steps = 0;
  for (let start = 0; start <= starts; start++) {
    const q = start === 0 || random === undefined ? Float64Array.from(seed) : sampleConfigurations(chain, random, 1);
    for (let k = 0; k <= iterations; k++) {
      // Before the step, so that a seed which already solves the target costs nothing.
      const { positionError, orientationError } = solver.measure(q, target);
      const solved = positionError <= positionTolerance && orientationError <= orientationTolerance;
      if (
        best === undefined ||
        solved ||
        positionError + orientationError < best.positionError + best.orientationError
      ) {
        best = { q: q.slice(), solved, steps, positionError, orientationError };
      }
      if (solved) return best;
      if (k === iterations) break;
      solver.advance(q);
      steps++;
    }
  }
  return { ...best!, steps };
}

interface Solver {
  /** Finds the error at `q`, which `advance` then reduces. */
  measure(q: Float64Array, target: Pose): { positionError: number; orientationError: number };
  advance(q: Float64Array): void;
  step(q: Float64Array, target: Pose): void;
}

/** The steps of one chain, sharing their workspace. */
function createSolver(chain: Chain, { lambda = 1e-4, clampToLimits: clamp = true }: DlsOptions): Solver {
  const dof = chain.joints.length;
  const tip = new Float64Array(12);
  const joints = new Float64Array(6 * dof);
  const j = new Float64Array(6 * dof);
  const normal = new Float64Array(36);
  const error = new Float64Array(6);
  const turned = new Float64Array(4);

  const measure: Solver["measure"] = (q, target) => {
    walk(chain, q, 0, tip, joints);
    writeQuaternion(tip[0]!, tip[1]!, tip[2]!, tip[4]!, tip[5]!, tip[6]!, tip[8]!, tip[9]!, tip[10]!, turned, 0);
    const current = conjugate([turned[0]!, turned[1]!, turned[2]!, turned[3]!]);
    const [rx, ry, rz] = rotationVector(multiply(target.quaternion, current));
    const dx = target.position[0] - tip[3]!;
    const dy = target.position[1] - tip[7]!;
    const dz = target.position[2] - tip[11]!;
    error[0] = dx;
    error[1] = dy;
    error[2] = dz;
    error[3] = rx;
    error[4] = ry;
    error[5] = rz;
    return { positionError: Math.hypot(dx, dy, dz), orientationError: Math.hypot(rx, ry, rz) };
  };
  const advance: Solver["advance"] = (q) => {
    writeJacobian(chain, tip, joints, j);
    for (let row = 0; row < 6; row++) {
      for (let column = 0; column <= row; column++) {
        let sum = row === column ? lambda : 0;
        for (let i = 0; i < dof; i++) sum += j[row * dof + i]! * j[column * dof + i]!;
        normal[row * 6 + column] = sum;
      }
    }
    solveCholesky(normal, error);
    for (let i = 0; i < dof; i++) {
      let change = 0;
      for (let row = 0; row < 6; row++) change += j[row * dof + i]! * error[row]!;
      q[i] = q[i]! + change;
    }
    if (clamp) clampToLimits(chain, q);
  };
  return {
    measure,
    advance,
    step(q, target) {
      measure(q, target);
      advance(q);
    },
  };
}

/** Solves A·x = b in place, for A symmetric positive definite 6×6 (lower half given); A becomes its Cholesky factor. */
function solveCholesky(a: Float64Array, b: Float64Array): void {
  for (let row = 0; row < 6; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = a[row * 6 + column]!;
      for (let k = 0; k < column; k++) sum -= a[row * 6 + k]! * a[column * 6 + k]!;
      a[row * 6 + column] = row === column ? Math.sqrt(sum) : sum / a[column * 6 + column]!;
    }
  }
  for (let row = 0; row < 6; row++) {
    let sum = b[row]!;
    for (let k = 0; k < row; k++) sum -= a[row * 6 + k]! * b[k]!;
    b[row] = sum / a[row * 6 + row]!;
  }
  for (let row = 5; row >= 0; row--) {
    let sum = b[row]!;
    for (let k = row + 1; k < 6; k++) sum -= a[k * 6 + row]! * b[k]!;
    b[row] = sum / a[row * 6 + row]!;
  }
}
