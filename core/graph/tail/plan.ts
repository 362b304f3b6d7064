import { type Node, sizeOf } from "../node.ts";
import { keyOf, type Program, type Value } from "./program.ts";
import { constantOf, type Operation, operationOf } from "./vector-ops.ts";

/** One tensor of the training state: its value before the step, an Input, and after. */
export interface StatePair {
  readonly name: string;
  readonly before: Node;
  readonly after: Node;
}

/** One pass over `count` elements of its tensors. */
export interface TailKernel {
  readonly count: number;
  readonly program: Program;
  /** Per pointer of the program: the index of its tensor, in the state and, counted on, in the frontier. */
  readonly tensors: readonly number[];
  /** Per scalar of the program: its index among the plan's scalars. */
  readonly scalars: readonly number[];
}

/**
 * The elementwise end of a step. Kernels may run in any order, and after them the tensors of `rest` are copied into the
 * state: no kernel reads what another one writes.
 */
export interface TailPlan {
  readonly kernels: readonly TailKernel[];
  /** Names of the state tensors that kernels read or write. */
  readonly state: readonly string[];
  /** Tensors that kernels read and that the runtime has to output; some may be Inputs. */
  readonly frontier: readonly Node[];
  /** Values of size 1 before the kernels run: Inputs (of the host, or of the state), else outputs of the runtime. Truth values are 0 and 1. */
  readonly scalars: readonly Node[];
  /** What is not elementwise: the runtime outputs `after`. */
  readonly rest: readonly StatePair[];
}

/** Per state tensor: each costs a write and a read of memory, where leaving the tensor to the runtime costs one. */
const MAX_FRONTIER = 4;
/** Per kernel; what lies before is the runtime's. An optimizer with clipping and an average has about 30. */
const MAX_OPERATIONS = 500;
/** Of a function, in WebAssembly engines. */
const MAX_PARAMETERS = 1000;

/**
 * Cuts the elementwise end off a step: every changed float32 tensor of the state that is a function, element by element,
 * of state tensors, of `barrier` nodes (the gradients), of other tensors of its size, and of scalars. Element i is
 * meant in row-major order, so that a reshape is elementwise and a transpose is not.
 */
export function planTail(state: readonly StatePair[], { barrier }: { readonly barrier: ReadonlySet<Node> }): TailPlan {
  const names = new Map(state.map(({ before, name }) => [before, name]));
  const owned: Owned = { isState: (node) => names.has(node), barrier };
  const changed = state.filter(({ before, after }) => before !== after);
  const alone = changed.filter(({ after }) => after.dtype === "float32").map((pair) => slice([pair], owned));
  const fusable = alone.filter((candidate) => isElementwise(candidate, owned));
  const slices = groupByState(fusable, owned)
    .map((pairs) => slice(pairs, owned))
    .filter(({ program }) => 1 + program.pointers + program.scalars <= MAX_PARAMETERS);

  const tensors = distinct(slices.flatMap((s) => s.tensors));
  const inState = tensors.filter((node) => names.has(node));
  const frontier = tensors.filter((node) => !names.has(node));
  const scalars = distinct(slices.flatMap((s) => s.scalars));
  const tensorIndex = new Map([...inState, ...frontier].map((node, i) => [node, i]));
  const scalarIndex = new Map(scalars.map((node, i) => [node, i]));
  const done = new Set(slices.flatMap((s) => s.pairs));
  return {
    kernels: slices.map((s) => ({
      count: s.count,
      program: s.program,
      tensors: s.tensors.map((node) => tensorIndex.get(node)!),
      scalars: s.scalars.map((node) => scalarIndex.get(node)!),
    })),
    state: inState.map((node) => names.get(node)!),
    frontier,
    scalars,
    rest: changed.filter((pair) => !done.has(pair)),
  };
}

interface Owned {
  readonly isState: (node: Node) => boolean;
  readonly barrier: ReadonlySet<Node>;
}

interface Slice {
  readonly pairs: readonly StatePair[];
  readonly count: number;
  readonly program: Program;
  /** By pointer. */
  readonly tensors: readonly Node[];
  readonly scalars: readonly Node[];
}

const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)];

function isElementwise({ program, tensors }: Slice, { isState, barrier }: Owned): boolean {
  const foreign = tensors.filter((node) => !isState(node) && !barrier.has(node));
  const root = program.values[program.stores[0]!.value]!;
  const isCopy = root.op === "Load" && foreign.includes(tensors[root.pointer]!);
  return !isCopy && foreign.length <= MAX_FRONTIER;
}

/** Tensors that touch a common one belong to one kernel, in which every read of an element precedes its writes. */
function groupByState(slices: readonly Slice[], { isState }: Owned): StatePair[][] {
  const parents = new Map<Node, Node>();
  const rootOf = (node: Node): Node => {
    const parent = parents.get(node);
    return parent === undefined ? node : rootOf(parent);
  };
  for (const { tensors } of slices) {
    const [first, ...others] = tensors.filter(isState);
    for (const other of others) {
      const [a, b] = [rootOf(first!), rootOf(other)];
      if (a !== b) parents.set(b, a);
    }
  }
  const groups = new Map<Node, StatePair[]>();
  for (const pair of slices.flatMap((s) => s.pairs)) {
    const root = rootOf(pair.before);
    groups.set(root, [...(groups.get(root) ?? []), pair]);
  }
  return [...groups.values()];
}

/** The program that computes the pairs' new values, which have one size. */
function slice(pairs: readonly StatePair[], { isState, barrier }: Owned): Slice {
  const count = sizeOf(pairs[0]!.after.shape);
  const isWhole = (node: Node) => sizeOf(node.shape) === count;
  const isKept = (node: Node) => isWhole(node) && node.dtype === "float32" && (isState(node) || barrier.has(node));

  /** Float32 of the right size can always be had from memory; truth values only if they are computed here. */
  const isUsable = (node: Node): boolean =>
    constantOf(node) !== null || isScalar(node) || (node.dtype === "float32" ? isWhole(node) : computed(node) !== null);
  const isScalar = (node: Node) => node.dtype !== "int32" && sizeOf(node.shape) === 1;
  let operations = 0;
  const computed = remembered((node: Node): Operation | null => {
    if (!isWhole(node) || isKept(node)) return null;
    const operation = operations < MAX_OPERATIONS ? operationOf(node) : null;
    if (operation === null) return null;
    operations += 1;
    return operation.operands.every(isUsable) ? operation : null;
  });

  const tensors: Node[] = [];
  const scalars: Node[] = [];
  const values: Value[] = [];
  const interned = new Map<string, number>();
  const intern = (value: Value): number => {
    const key = keyOf(value);
    const index = interned.get(key) ?? values.push(value) - 1;
    interned.set(key, index);
    return index;
  };

  const valueFor = remembered((node: Node): number => {
    if (isKept(node)) return intern({ op: "Load", pointer: indexIn(tensors, node) });
    const constant = constantOf(node);
    if (constant !== null) return typed(node, intern({ op: "Splat", value: Math.fround(constant) }));
    const operation = computed(node);
    if (operation !== null) {
      const operands = operation.operands.map(valueFor);
      return operation.op === "Identity" ? operands[0]! : intern({ op: operation.op, operands });
    }
    if (isScalar(node))
      return typed(node, intern({ op: "Scalar", scalar: indexIn(scalars, withoutShape(node, barrier)) }));
    return intern({ op: "Load", pointer: indexIn(tensors, node) });
  });
  const typed = (node: Node, value: number): number =>
    node.dtype === "bool" ? intern({ op: "ToBool", operands: [value] }) : value;

  const stores = pairs.map(({ before, after }) => {
    const value = valueFor(after);
    return { pointer: indexIn(tensors, before), value };
  });
  const program = { pointers: tensors.length, scalars: scalars.length, values, stores };
  return { pairs, count, program, tensors, scalars };
}

function indexIn(nodes: Node[], node: Node): number {
  const index = nodes.indexOf(node);
  return index === -1 ? nodes.push(node) - 1 : index;
}

/** A scalar is the same number in every shape: a host's Input need not go through the runtime to be reshaped. */
function withoutShape(scalar: Node, barrier: ReadonlySet<Node>): Node {
  let node = scalar;
  while (!barrier.has(node) && (node.op === "Reshape" || node.op === "Expand")) node = node.inputs[0]!;
  return node;
}

function remembered<T>(f: (node: Node) => T): (node: Node) => T {
  const known = new Map<Node, T>();
  return (node) => {
    if (!known.has(node)) known.set(node, f(node));
    return known.get(node)!;
  };
}
