import { CONTROL_RATE_HZ, SAMPLES_PER_CYCLE } from "../motion/layout.ts";
import { shippedParameters } from "../parameters/shipped.ts";
import { type Body, bodyOf, limbScales } from "../skeleton/body.ts";
import { radians } from "./curves.ts";
import { type Impairment, impairment } from "./scores.ts";

/** What makes a leg's walk its own: factors on the healthy curves, and angles (rad) that are added to them. */
export interface LegTraits {
  readonly hipGain: number;
  readonly hipOffset: number;
  /** Missing as the leg comes forward. */
  readonly hipDrop: number;
  readonly loadingGain: number;
  readonly swingGain: number;
  readonly kneeOffset: number;
  /**
   * Of the hip, and twice that of the knee, as the leg comes forward: what it takes to clear the ground, which the
   * motion finds out.
   */
  readonly lift: number;
  readonly pushGain: number;
  readonly pitchOffset: number;
  /** Added as the leg comes forward: toes down is negative. */
  readonly pitchDrop: number;
  readonly inversion: number;
  /** Of the hip, towards the middle. */
  readonly internalRotation: number;
  readonly adduction: number;
  readonly toeGain: number;
  readonly toeOffset: number;
  /** How far the pelvis sinks to the other side while this leg carries, and the trunk leans to this one. */
  readonly pelvicDrop: number;
  readonly lean: number;
  /** Of the arm on this side. */
  readonly armSwing: number;
  readonly armAbduction: number;
}

/** A walk: its legs, what belongs to both, and the body. Angles in rad. */
export interface Walk {
  readonly R: LegTraits;
  readonly L: LegTraits;
  readonly pelvicTilt: number;
  readonly pelvicRotation: number;
  /** Of the trunk in the world. */
  readonly forwardLean: number;
  readonly leftLean: number;
  /** Control frames of 1/30 s in the time between two samples. */
  readonly framesPerSample: number;
  readonly body: Body;
}

const STRIDE = shippedParameters().indexOf("gait_stride");
const CADENCE = shippedParameters().indexOf("gait_cadence");
const TORSION = {
  R: shippedParameters().indexOf("torsion_FemurR"),
  L: shippedParameters().indexOf("torsion_FemurL"),
};

const scalesAt = limbScales(shippedParameters());

/** The walk that a row of raw parameters leads to. The size of each effect is ours, after clinical descriptions. */
export function walkOf(params: ArrayLike<number>, at: number): Walk {
  const stride = params[at + STRIDE]!;
  const [right, left] = [impairment(params, at, "R"), impairment(params, at, "L")];
  const both = (effect: (side: Impairment) => number): number => (effect(right) + effect(left)) / 2;
  return {
    R: legTraits(right, left, stride, params[at + TORSION.R]!),
    L: legTraits(left, right, stride, params[at + TORSION.L]!),
    pelvicTilt: radians(
      8 +
        both(
          ({ weakness: w, contracture: c }) =>
            8 * c.hipFlexion - 7 * c.hipExtension + 5 * c.trunkExtension + 5 * w.trunkFlexion,
        ),
    ),
    pelvicRotation: radians(5 * stride + both(({ contracture: c }) => 3 * c.hipExtension)),
    forwardLean: radians(
      2 +
        both(
          ({ weakness: w, contracture: c }) =>
            10 * w.trunkExtension -
            5 * w.trunkFlexion +
            11 * c.trunkFlexion -
            8 * c.trunkExtension +
            8 * w.kneeExtension -
            12 * w.hipExtension +
            6 * c.hipFlexion,
        ),
    ),
    leftLean: radians(sideLean(left) - sideLean(right)),
    // A cycle takes one second at cadence 1.
    framesPerSample: CONTROL_RATE_HZ / SAMPLES_PER_CYCLE / params[at + CADENCE]!,
    body: bodyOf(scalesAt(params, at)),
  };
}

/** Shortened muscles bend the trunk to their side; weak ones let it sink to the other. Degrees. */
const sideLean = ({ weakness: w, contracture: c }: Impairment): number =>
  9 * c.trunkSideBending - 7 * w.trunkSideBending;

function legTraits(
  { weakness: w, contracture: c }: Impairment,
  other: Impairment,
  stride: number,
  torsion: number,
): LegTraits {
  const hipGain =
    stride *
    (1 - 0.4 * w.hipFlexion) *
    (1 - 0.3 * w.hipExtension) *
    (1 - 0.3 * c.hipFlexion) *
    (1 - 0.25 * c.hipExtension);
  const hipOfOther = (1 - 0.4 * other.weakness.hipFlexion) * (1 - 0.3 * other.weakness.hipExtension);
  return {
    hipGain,
    hipOffset: radians(
      15 * c.hipFlexion - 8 * c.hipExtension + 16 * c.kneeFlexion + 5 * w.kneeExtension + 6 * w.plantarflexion,
    ),
    hipDrop: radians(9 * w.hipFlexion),
    loadingGain: stride * (1 - 0.8 * w.kneeExtension),
    swingGain:
      (0.6 + 0.4 * stride) * (1 - 0.6 * c.kneeExtension) * (1 - 0.3 * w.kneeFlexion) * (1 - 0.2 * w.hipFlexion),
    kneeOffset: radians(
      4 + 32 * c.kneeFlexion + 11 * w.plantarflexion + 5 * c.plantarflexion - 7 * w.kneeFlexion - 3 * w.kneeExtension,
    ),
    lift: 0,
    pushGain: (0.3 + 0.7 * stride) * (1 - 0.6 * w.plantarflexion) * (1 - 0.3 * c.plantarflexion),
    pitchOffset: radians(11 * c.dorsiflexion - 28 * c.plantarflexion),
    pitchDrop: radians(-28 * w.dorsiflexion),
    inversion: radians(16 * c.inversion - 12 * c.eversion + 12 * w.eversion - 10 * w.inversion),
    internalRotation:
      radians(
        15 * c.hipInternalRotation -
          17 * c.hipExternalRotation +
          10 * w.hipExternalRotation -
          8 * w.hipInternalRotation -
          7,
      ) +
      0.7 * torsion,
    adduction: radians(1 + 8 * c.hipAdduction - 7 * c.hipAbduction - 3 * w.hipAdduction),
    toeGain: 1 - 0.4 * w.toeFlexion,
    toeOffset: radians(17 * c.toeExtension - 20 * c.toeFlexion - 10 * w.toeExtension),
    pelvicDrop: radians(4 + 11 * w.hipAbduction),
    lean: radians(2 + 15 * w.hipAbduction + 5 * w.hipExtension),
    armSwing: radians(18 * stride) * hipOfOther,
    armAbduction: radians(9 + 8 * w.hipAbduction + 4 * w.trunkSideBending),
  };
}
