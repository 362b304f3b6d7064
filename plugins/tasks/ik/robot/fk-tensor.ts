import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { Chain } from "./chain.ts";

/*
 * Forward kinematics for a whole batch in few kernels. A joint's transform is A + sin q·B + cos q·C, so the product of k
 * joints is one constant matrix times the 3ᵏ products of their features (1, sin, cos). The chain is cut into groups of
 * at most three joints: all groups' features together, one matrix product for all groups, then the groups are multiplied.
 * Inside, the batch is the last axis: products of features then run along memory, ten times as fast on wasm.
 */

/** Three joints make 27 products; four would make 81, more than the kernels they save are worth. */
const GROUP = 3;

/** Where the tips are: metres `[B, 3]`, and rotation matrices, row-major `[B, 9]`. */
export interface TensorPose {
  readonly position: Tensor2D;
  readonly rotation: Tensor2D;
}

/**
 * `forwardKinematics` for joint values `q` `[B, dof]`, float32, of operations with gradients and tangents of every order.
 * `q` may lie outside the limits.
 */
export function forwardKinematicsTensor(chain: Chain, q: Tensor): TensorPose {
  return tf.tidy(() => {
    // Columns to rows on the way, since a tip comes column by column.
    const tip = tf.transpose(tf.reshape(tipTransforms(chain, q), [4, 3, -1]), [2, 1, 0]);
    const position = tf.reshape(tf.slice(tip, [0, 0, 3], [-1, 3, 1]), [-1, 3]) as Tensor2D;
    const rotation = tf.reshape(tf.slice(tip, [0, 0, 0], [-1, 3, 3]), [-1, 9]) as Tensor2D;
    return { position, rotation };
  });
}

/**
 * How far the tips at `q` `[B, dof]` are from target poses `[B, 7]` (x y z qw qx qy qz, unit quaternion of either sign),
 * seen from the tips: `[B, 6]` = [Rᵀ(p* − p) in m; 2·sin(angle/2)·axis of RᵀR*]. Seen from there it does not change when
 * the whole arm turns about its base, so one joint fewer decides which displacement removes it. The second half is the
 * rotation vector to third order and grows up to 154°; past that it shrinks to nothing at half a turn, where the axis is
 * not defined.
 */
export function tipErrorTensor(chain: Chain, q: Tensor, target: Tensor): Tensor2D {
  return tf.tidy(() => {
    const { position, rotation } = forwardKinematicsTensor(chain, q);
    const offset = tf.sub(tf.slice(target, [0, 0], [-1, 3]), position);
    const quaternion = tf.slice(target, [0, 3], [-1, 4]);
    const products = tf.mul(tf.reshape(quaternion, [-1, 4, 1]), tf.reshape(quaternion, [-1, 1, 4]));
    const wanted = tf.matMul(tf.reshape(products, [-1, 16]) as Tensor2D, constant(ROTATION_OF_PRODUCTS));
    const seen = tf.matMul(
      tf.reshape(rotation, [-1, 3, 3]),
      tf.concat([tf.reshape(wanted, [-1, 3, 3]), tf.reshape(offset, [-1, 3, 1])], 2),
      true,
      false,
    );
    const terms = tf.matMul(tf.reshape(seen, [-1, 12]) as Tensor2D, constant(ERROR_OF_SEEN));
    // sin(angle)·axis = 2·sin(angle/2)·axis · cos(angle/2), and cos²(angle/2) = (1 + trace)/4.
    const squaredCosine = tf.add(tf.slice(terms, [0, 6], [-1, 1]), 0.25);
    const cosine = tf.sqrt(tf.add(tf.relu(tf.sub(squaredCosine, FLATTEST)), FLATTEST));
    const turn = tf.div(tf.slice(terms, [0, 3], [-1, 3]), cosine);
    return tf.concat([tf.slice(terms, [0, 0], [-1, 3]), turn], 1) as Tensor2D;
  });
}

/** The tips' transforms [R | p], column by column: `[12, B]`. */
function tipTransforms(chain: Chain, q: Tensor): Tensor2D {
  const { slots, groups, slides, ofWaves, ones, products } = weightsOf(chain);
  const angles = tf.transpose(q) as Tensor2D;
  const waves = tf.concat([tf.sin(angles), tf.cos(angles), ...(slides ? [angles] : [])], 0);
  const features = tf.add(tf.matMul(constant(ofWaves), waves), constant(ones));

  // The gradient of a split into one part fails in tfjs 4.22.
  const [first, ...rest] = slots === 1 ? [features as Tensor2D] : tf.split<Tensor2D>(features as Tensor2D, slots, 0);
  let monomials = first!;
  rest.forEach((slot, i) => {
    const outer = tf.mul(tf.reshape(monomials, [groups, 3 ** (i + 1), 1, -1]), tf.reshape(slot, [groups, 1, 3, -1]));
    monomials = tf.reshape<tf.Rank.R2>(outer, [groups * 3 ** (i + 2), -1]);
  });

  const transforms = tf.matMul<Tensor2D>(constant(products), monomials);
  if (groups === 1) return transforms;
  const [base, ...others] = tf.split<Tensor2D>(transforms, [12, ...Array<number>(groups - 1).fill(16)], 0);
  let tip = base!;
  for (const other of others) {
    // (inner, column, row): the tip is inner × row, the group inner × column.
    const terms = tf.mul(tf.reshape(tip, [4, 1, 3, -1]), tf.reshape(other, [4, 4, 1, -1]));
    tip = tf.reshape<tf.Rank.R2>(tf.sum(terms, 0), [12, -1]);
  }
  return tip;
}

interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

const zeros = (rows: number, columns: number): Matrix => ({ rows, columns, values: new Float32Array(rows * columns) });
const set = (m: Matrix, row: number, column: number, value: number): void => {
  m.values[row * m.columns + column] = value;
};
const constant = (m: Matrix): Tensor2D => tf.tensor2d(m.values, [m.rows, m.columns]);

interface Weights {
  /** Joints in a group. */
  readonly slots: number;
  readonly groups: number;
  /** Whether a joint is prismatic, so that q itself is a wave too. */
  readonly slides: boolean;
  /** features = ofWaves·[sin q; cos q; q] + ones: (1, sin q or q, cos q) of each joint, `[slots, groups, 3]` down a column. */
  readonly ofWaves: Matrix;
  readonly ones: Matrix;
  /** Monomials of the features to transforms: 3^slots columns for each group. */
  readonly products: Matrix;
}

// A chain never changes, and its weights are a function of it.
const cache = new WeakMap<Chain, Weights>();

function weightsOf(chain: Chain): Weights {
  const known = cache.get(chain);
  if (known !== undefined) return known;
  const weights = buildWeights(chain);
  cache.set(chain, weights);
  return weights;
}

function buildWeights(chain: Chain): Weights {
  const dof = chain.joints.length;
  const groups = Math.ceil(dof / GROUP);
  const slots = Math.ceil(dof / groups);
  const slides = chain.joints.some((joint) => joint.type === "prismatic");
  const ofWaves = zeros(slots * groups * 3, dof * (slides ? 3 : 2));
  const ones = zeros(slots * groups * 3, 1);
  // Also for the places after the last joint: a missing joint has the features (1, 0, 0).
  for (let row = 0; row < ones.rows; row += 3) set(ones, row, 0, 1);
  chain.joints.forEach((joint, i) => {
    const row = ((i % slots) * groups + Math.floor(i / slots)) * 3;
    if (joint.type === "prismatic") {
      set(ofWaves, row + 1, 2 * dof + i, 1);
    } else {
      set(ofWaves, row + 1, i, 1);
      set(ofWaves, row + 2, dof + i, 1);
    }
  });

  const size = 3 ** slots;
  const products = zeros(12 + 16 * (groups - 1), groups * size);
  for (let group = 0; group < groups; group++) {
    groupProducts(chain, group, groups, slots).forEach((product, monomial) => {
      for (let row = 0; row < 4; row++) {
        for (let column = 0; column < 4; column++) {
          const value = product[row * 4 + column]!;
          // The first group column by column, and without its last row: the chain's product has none either.
          if (group > 0) set(products, 16 * group - 4 + row * 4 + column, group * size + monomial, value);
          else if (row < 3) set(products, column * 3 + row, monomial, value);
        }
      }
    });
  }
  return { slots, groups, slides, ofWaves, ones, products };
}

/** For each monomial of a group's features, the 4×4 matrix it multiplies. */
function groupProducts(chain: Chain, group: number, groups: number, slots: number): number[][] {
  const start = group * slots;
  const end = Math.min(start + slots, chain.joints.length);
  let products = [IDENTITY];
  for (let i = start; i < start + slots; i++) {
    const origin = i < end ? fixedMatrix(chain, i) : IDENTITY;
    const parts = i >= end ? NOTHING : chain.joints[i]!.type === "prismatic" ? SLIDE : TURN;
    products = products.flatMap((product) => parts.map((part) => multiply(product, multiply(origin, part))));
  }
  if (group < groups - 1) return products;
  const tip = fixedMatrix(chain, chain.joints.length);
  return products.map((product) => multiply(product, tip));
}

const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const ZERO = IDENTITY.map(() => 0);
/** Z(q) = TURN₀ + sin q·TURN₁ + cos q·TURN₂, about z. */
const TURN = [
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
  [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
];
/** Z(q) = SLIDE₀ + q·SLIDE₁, along z. */
const SLIDE = [IDENTITY, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], ZERO];
const NOTHING = [IDENTITY, ZERO, ZERO];

const fixedMatrix = (chain: Chain, i: number): number[] => [...chain.aligned.subarray(i * 12, i * 12 + 12), 0, 0, 0, 1];

const multiply = (a: readonly number[], b: readonly number[]): number[] =>
  a.map((_, entry) => {
    const [row, column] = [entry & ~3, entry & 3];
    return (
      a[row]! * b[column]! + a[row + 1]! * b[column + 4]! + a[row + 2]! * b[column + 8]! + a[row + 3]! * b[column + 12]!
    );
  });

/** Least cos²(angle/2) to divide by: its derivative, which tangents carry, grows with the inverse cube of the root. */
const FLATTEST = 0.05;

const matrix = (rows: number, columns: number, entries: readonly (readonly [number, number, number])[]): Matrix => {
  const m = zeros(rows, columns);
  for (const [row, column, value] of entries) set(m, row, column, value);
  return m;
};

/**
 * From the entries of [RᵀR* | Rᵀ(p* − p)], row-major 3×4: the offset, sin(angle)·axis (half the antisymmetric part), and a
 * quarter of the trace.
 */
const ERROR_OF_SEEN = matrix(12, 7, [
  [3, 0, 1],
  [7, 1, 1],
  [11, 2, 1],
  [9, 3, 0.5],
  [6, 3, -0.5],
  [2, 4, 0.5],
  [8, 4, -0.5],
  [4, 5, 0.5],
  [1, 5, -0.5],
  [0, 6, 0.25],
  [5, 6, 0.25],
  [10, 6, 0.25],
]);

/** A rotation matrix, row-major, as a quadratic form of its unit quaternion: weights of the 16 products qᵢ·qⱼ. */
const ROTATION_OF_PRODUCTS: Matrix = (() => {
  const [ww, wx, wy, wz, xx, xy, xz, yy, yz, zz] = [0, 1, 2, 3, 5, 6, 7, 10, 11, 15] as const;
  const diagonal = (entry: number, plus: number) =>
    [ww, xx, yy, zz].map((square) => [square, entry, square === ww || square === plus ? 1 : -1] as const);
  const pair = (a: number, entry: number, b: number, sign: 1 | -1) =>
    [[a, entry, 2] as const, [b, entry, 2 * sign] as const] as const;
  return matrix(16, 9, [
    ...diagonal(0, xx),
    ...pair(xy, 1, wz, -1),
    ...pair(xz, 2, wy, 1),
    ...pair(xy, 3, wz, 1),
    ...diagonal(4, yy),
    ...pair(yz, 5, wx, -1),
    ...pair(xz, 6, wy, -1),
    ...pair(yz, 7, wx, 1),
    ...diagonal(8, zz),
  ]);
})();
