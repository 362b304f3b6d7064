/** A training step of MeanFlow or flow matching on the Panda. */
export interface PoseWorkload {
  readonly kind: "pose";
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

/** A training step of implicit behavioural cloning on the particle. */
export interface EnergyWorkload {
  readonly kind: "energy";
  readonly name: string;
  readonly width: number;
  readonly batch: number;
  /** Counter-examples a row. */
  readonly negatives: number;
  /** Steps of the Langevin chain that finds them. */
  readonly iterations: number;
}

/** A training step to time: plain data, which a contender gets as JSON. */
export type Workload = PoseWorkload | EnergyWorkload;

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

const poses = (large: boolean): PoseWorkload[] =>
  [true, false].flatMap((kinematics) =>
    sizes
      .filter((s) => large || !s.large)
      .flatMap(({ size, large: _, ...shape }) =>
        objectives.map(({ objective, pDistinct }) => ({
          kind: "pose",
          name: `${size}${kinematics ? "" : ", no kinematics"}: ${objective}`,
          ...shape,
          kinematics,
          pDistinct,
        })),
      ),
  );

/** A smaller step, and that of the preset particle-ebm-paper. */
const energies: readonly EnergyWorkload[] = [
  { batch: 256, iterations: 30 },
  { batch: 512, iterations: 100 },
].map(({ batch, iterations }) => ({
  kind: "energy",
  name: `EBM, hidden 256: ${batch} × 8 counter-examples, ${iterations} Langevin steps`,
  ...{ width: 256, batch, negatives: 8, iterations },
}));

/** The rows of the table, in order; those that take gigabytes and minutes only when asked for. */
export const workloads = (large: boolean): readonly Workload[] => [...poses(large), ...energies];

/** The same step without derivatives along the flow, to compare a step of MeanFlow with; null for other steps. */
export const flowMatchingOf = (workload: Workload): Workload | null =>
  workload.kind === "pose" && workload.pDistinct > 0 ? { ...workload, pDistinct: 0 } : null;
