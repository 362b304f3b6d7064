/** A training step to time: plain data, which a contender gets as JSON. */
export interface Workload {
  readonly name: string;
  readonly width: number;
  readonly depth: number;
  readonly condition: number;
  readonly batch: number;
  /** Whether the network is fed pose errors, through forward kinematics inside it. */
  readonly kinematics: boolean;
  /** Share of the rows that MeanFlow differentiates; 0 is plain flow matching. */
  readonly pDistinct: number;
}

const sizes = [
  { size: "hidden 256, batch 512", width: 256, depth: 4, condition: 256, batch: 512, large: false },
  { size: "18 M parameters, batch 256", width: 1024, depth: 4, condition: 1024, batch: 256, large: false },
  { size: "18 M parameters, batch 4096", width: 1024, depth: 4, condition: 1024, batch: 4096, large: true },
];

const objectives = [
  { objective: "flow matching", pDistinct: 0 },
  { objective: "MeanFlow, 25 % distinct", pDistinct: 0.25 },
  { objective: "MeanFlow, all rows", pDistinct: 1 },
];

/** The rows of the table, in order; those that take gigabytes and minutes only when asked for. */
export const workloads = (large: boolean): readonly Workload[] =>
  [true, false].flatMap((kinematics) =>
    sizes
      .filter((s) => large || !s.large)
      .flatMap(({ size, large: _, ...shape }) =>
        objectives.map(({ objective, pDistinct }) => ({
          name: `${size}${kinematics ? "" : ", no kinematics"}: ${objective}`,
          ...shape,
          kinematics,
          pDistinct,
        })),
      ),
  );

/** The same step without derivatives along the flow. */
export const asFlowMatching = (workload: Workload): Workload => ({ ...workload, pDistinct: 0 });
