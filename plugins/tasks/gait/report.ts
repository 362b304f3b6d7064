import { type Actor, type Clip3d, type Part, rounded, type Scene3d } from "../../../core/report/figure.ts";
import { compareMotions } from "./accuracy.ts";
import { MOTION_WIDTH, SAMPLES, SAMPLES_PER_CYCLE } from "./motion/layout.ts";
import type { ParameterSpace } from "./parameters/space.ts";
import { cadenceOf, type Predicted } from "./pictures.ts";
import { type LimbScales, limbScales } from "./skeleton/body.ts";
import { cycleOf, STROKES } from "./skeleton/figure.ts";

const CYCLES = 3;
/** Of each walker to the side of the way, m. */
const BESIDE = 0.4;

/** The points of a walker, in the order of a frame. */
const POINTS = [...new Set(STROKES.flatMap(({ points }) => points))];

/** Predicted walkers beside those they should be, some cycles each: the best, a middling and the worst prediction. */
export function walkingScene({ cycles, motions }: Predicted, space: ParameterSpace): Scene3d {
  const { byMotion } = compareMotions(cycles, motions);
  const byError = Array.from(byMotion.keys()).sort((a, b) => byMotion[a]! - byMotion[b]!);
  const scalesOf = limbScales(space);
  const clip = (title: string, row: number): Clip3d => {
    const at = row * space.parameters.length;
    const [scales, cadence] = [scalesOf(motions.params, at), cadenceOf(space, motions.params, at)];
    const walk = (motion: Float32Array, side: number): number[][] => walkFrames(motion, scales, cadence, side);
    return {
      title,
      note: `Joints wrong by ${byMotion[row]!.toFixed(2)}° on average, of ${motions.count} held-out motions.`,
      interval_s: 1 / (SAMPLES_PER_CYCLE * cadence),
      frames: [
        walk(motionAt(cycles, row, SAMPLES_PER_CYCLE), -BESIDE),
        walk(motionAt(motions.motions, row, SAMPLES), BESIDE),
      ],
      follow: { actor: 1, point: POINTS.indexOf("Pelvis") },
    };
  };
  return {
    kind: "scene3d",
    up: "y",
    actors: [walker("predicted", "model"), walker("target", "target")],
    clips: [
      clip("Median error", byError[Math.floor(byError.length / 2)]!),
      clip("Smallest error", byError[0]!),
      clip("Largest error", byError.at(-1)!),
    ],
  };
}

const motionAt = (motions: Float32Array, row: number, samples: number): Float32Array =>
  motions.subarray(row * samples * MOTION_WIDTH, (row + 1) * samples * MOTION_WIDTH);

/** Cycle after cycle along z, `side` m to the left of the way. */
function walkFrames(motion: Float32Array, scales: LimbScales, cadence: number, side: number): number[][] {
  const { figures, travelled } = cycleOf(motion, scales, cadence);
  return Array.from({ length: CYCLES * SAMPLES_PER_CYCLE }, (_, i) => {
    const sample = i % SAMPLES_PER_CYCLE;
    const forward = Math.floor(i / SAMPLES_PER_CYCLE) * travelled.at(-1)! + travelled[sample]!;
    return rounded(
      POINTS.flatMap((name) => {
        const [x, y, z] = figures[sample]![name]!;
        return [x / 100 + side, y / 100, (z + forward) / 100];
      }),
    );
  });
}

/** Capsules along the strokes of the figure, left limbs in another shade. */
function walker(name: string, ink: "model" | "target"): Actor {
  const parts = STROKES.flatMap(({ part, points, width }) =>
    points.slice(1).map(
      (point, i): Part => ({
        shape: "capsule",
        from: POINTS.indexOf(points[i]!),
        to: POINTS.indexOf(point),
        radius: width / 200,
        ...(part === "L" ? { ink: `${ink}-dim` as const } : {}),
      }),
    ),
  );
  return { name, ink, parts };
}
