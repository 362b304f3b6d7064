import type { Program } from "./program.ts";
import { compilePrograms } from "./wasm.ts";
import type { WasmMemory } from "./webassembly.ts";

/** Whole-tensor arithmetic in place, on float32 tensors given by their address in bytes and their count of elements. */
export interface Accumulation {
  /** to ← to + from */
  addInto(to: number, from: number, count: number): void;
  /** to ← factor · to */
  scale(to: number, factor: number, count: number): void;
  copy(to: number, from: number, count: number): void;
}

export function compileAccumulation(memory: WasmMemory): Accumulation {
  const [add, scale, copy] = compilePrograms([addition, scaling, copying], memory);
  return {
    addInto: (to, from, count) => add!(count, to, from),
    scale: (to, factor, count) => scale!(count, to, factor),
    copy: (to, from, count) => copy!(count, to, from),
  };
}

const addition: Program = {
  pointers: 2,
  scalars: 0,
  values: [
    { op: "Load", pointer: 0 },
    { op: "Load", pointer: 1 },
    { op: "Add", operands: [0, 1] },
  ],
  stores: [{ pointer: 0, value: 2 }],
};

const scaling: Program = {
  pointers: 1,
  scalars: 1,
  values: [
    { op: "Load", pointer: 0 },
    { op: "Scalar", scalar: 0 },
    { op: "Mul", operands: [0, 1] },
  ],
  stores: [{ pointer: 0, value: 2 }],
};

const copying: Program = {
  pointers: 2,
  scalars: 0,
  values: [{ op: "Load", pointer: 1 }],
  stores: [{ pointer: 0, value: 0 }],
};
