/** A picture, as SVG text. */
export interface Image {
  readonly kind: "image";
  readonly svg: string;
}

/** How often values fall between neighbouring edges; `counts` is one shorter than `edges`, which increase. */
export interface Histogram {
  readonly kind: "histogram";
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export type Cell = string | number | null;

/** Every row has a cell for each column. */
export interface Table {
  readonly kind: "table";
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Markdown. */
export interface Text {
  readonly kind: "text";
  readonly text: string;
}

/** What a run publishes on the metric stream that is more than a number. */
export type Media = {
  /** Like a metric's: `val/paths`, `gradients/backbone.0.w`. */
  readonly name: string;
  /** Optimizer steps done. */
  readonly step: number;
  readonly epoch: number;
} & (Image | Histogram | Table | Text);

/** Characters and numbers it holds: what it costs to keep. */
export function sizeOf(media: Media): number {
  switch (media.kind) {
    case "image":
      return media.svg.length;
    case "histogram":
      return media.edges.length + media.counts.length;
    case "table":
      return media.rows.flat().reduce<number>((size, cell) => size + String(cell).length, 0);
    case "text":
      return media.text.length;
  }
}
