import type { Predict } from "../task.ts";
import type { Tree } from "../tree.ts";

/** A part of a run's report: what the trained model does, as a figure of a general kind that the report's page draws. */
export interface ReportSection {
  readonly name: string;
  readonly title: string;
  /** `predict` is the task's inference with these parameters; it throws MF_INFERENCE_NONE where the task has none. */
  build(params: Tree, predict: Predict): Figure | Promise<Figure>;
}

/** A section with its figure, as it is in the page. */
export interface BuiltSection {
  readonly name: string;
  readonly title: string;
  readonly figure: Figure;
}

/** Plain data: it is written into the page as JSON. */
export type Figure = Scene3d | Figure2d;

/**
 * A role, which the page has a colour for: what the model does, what it should do, either one's far side, a robot's shell,
 * and the axes of a frame.
 */
export type Ink = "model" | "model-dim" | "target" | "target-dim" | "shell" | "x" | "y" | "z";

/** Bodies of capsules and cylinders that move, such as robots and skeletons. Metres. */
export interface Scene3d {
  readonly kind: "scene3d";
  /** The direction away from the ground, which is at zero. */
  readonly up: "y" | "z";
  readonly actors: readonly Actor[];
  readonly clips: readonly Clip3d[];
}

/** A body: points that move, and solids between them. */
export interface Actor {
  /** For the legend. */
  readonly name: string;
  readonly ink: Ink;
  readonly parts: readonly Part[];
}

/** A solid between two points of its actor, by their indices; a capsule between equal points is a ball. */
export interface Part {
  readonly shape: "capsule" | "cylinder";
  readonly from: number;
  readonly to: number;
  readonly radius: number;
  /** Left out: the actor's. */
  readonly ink?: Ink;
}

export interface Clip3d {
  readonly title: string;
  /** One line below the figure. */
  readonly note: string;
  readonly interval_s: number;
  /** For each actor its frames, each x y z of every point in turn. The last frame of an actor with fewer stays. */
  readonly frames: readonly (readonly (readonly number[])[])[];
  /** A point whose path is drawn up to the present frame. */
  readonly trail?: { readonly actor: number; readonly point: number };
  /** The camera goes along with this point, over the ground. */
  readonly follow?: { readonly actor: number; readonly point: number };
}

/** A plane with a colour map, paths and marks. */
export interface Figure2d {
  readonly kind: "figure2d";
  readonly x: Axis;
  readonly y: Axis;
  readonly clips: readonly Clip2d[];
}

export interface Axis {
  readonly label: string;
  readonly min: number;
  readonly max: number;
}

export interface Clip2d {
  readonly title: string;
  readonly note: string;
  readonly interval_s: number;
  /** In every frame. A radius is in units of x; a mark without one is a dot. */
  readonly marks: readonly (Mark & { readonly label: string; readonly radius?: number })[];
  /** x y of a point for each frame in turn: drawn up to the present one. */
  readonly path: readonly number[];
  readonly frames: readonly Frame2d[];
}

export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly ink: Ink;
}

export interface Frame2d {
  readonly caption: string;
  readonly map?: ColorMap;
  /** Drawn as crosses. */
  readonly crosses: readonly Mark[];
}

/** Values over the whole plane, row by row from the lowest, `low` as 0 and `high` as 255. */
export interface ColorMap {
  readonly columns: number;
  readonly rows: number;
  readonly low: number;
  readonly high: number;
  /** A byte a value, in base64. */
  readonly levels: string;
}

/** A colour map of `values` `[rows, columns]`. */
export function colorMap(values: ArrayLike<number>, columns: number): ColorMap {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  const span = high > low ? high - low : 1;
  const levels = Uint8Array.from(values, (value) => Math.round((255 * (value - low)) / span));
  return { columns, rows: values.length / columns, low, high, levels: Buffer.from(levels).toString("base64") };
}

/** To a tenth of a millimetre, which keeps reports small. */
export const rounded = (values: ArrayLike<number>): number[] => Array.from(values, (v) => Math.round(v * 1e4) / 1e4);
