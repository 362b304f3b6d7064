import type { TailKernel, TailPlan } from "./plan.ts";
import { type Program, signatureOf, uniformValues, type Value } from "./program.ts";
import { vectorCode } from "./vector-ops.ts";
import {
  type Code,
  encodeModule,
  type FunctionBody,
  f32,
  get,
  i32,
  i32Add,
  i32Const,
  i32GreaterOrEqual,
  loadFour,
  loadOne,
  set,
  splat,
  splatConst,
  storeFour,
  storeOne,
  v128,
  whileLoop,
} from "./wasm-binary.ts";
import { Instance, Module, type WasmMemory } from "./webassembly.ts";

export interface CompiledTail {
  /**
   * Updates the state in place. `addresses` in bytes, of the plan's state and then its frontier; `scalars` as the plan
   * has them. No two tensors of the state may share memory, as clones of TensorFlow.js do.
   */
  run(addresses: ArrayLike<number>, scalars: ArrayLike<number>): void;
}

/** Compiles a plan to WebAssembly SIMD on `memory`; kernels that do the same to each element share one function. */
export function compileTail(plan: TailPlan, memory: WasmMemory): CompiledTail {
  const programs = new Map(plan.kernels.map(({ program }) => [signatureOf(program), program]));
  const functions = compilePrograms([...programs.values()], memory);
  const bySignature = new Map([...programs.keys()].map((signature, i) => [signature, functions[i]!]));
  const calls = plan.kernels.map((kernel) => callOf(kernel, bySignature.get(signatureOf(kernel.program))!));
  return {
    run(addresses, scalars) {
      for (const call of calls) call(addresses, scalars);
    },
  };
}

/** `(count, …addresses in bytes, …scalars)` */
export type KernelFunction = (...args: number[]) => void;

export function compilePrograms(programs: readonly Program[], memory: WasmMemory): KernelFunction[] {
  const module = new Module(encodeModule(programs.map(functionOf)));
  const { exports } = new Instance(module, { env: { memory } });
  return programs.map((_, i) => exports[i] as KernelFunction);
}

function callOf({ count, tensors, scalars }: TailKernel, run: KernelFunction) {
  const args = [count, ...tensors.map(() => 0), ...scalars.map(() => 0)];
  const firstScalar = 1 + tensors.length;
  return (addresses: ArrayLike<number>, values: ArrayLike<number>): void => {
    for (let i = 0; i < tensors.length; i++) args[1 + i] = addresses[tensors[i]!]!;
    for (let i = 0; i < scalars.length; i++) args[firstScalar + i] = values[scalars[i]!]!;
    run.apply(null, args);
  };
}

const FLOAT_BYTES = 4;
const COUNT = 0;
const FIRST_POINTER = 1;

/** How a loop's pass reads and writes `floats` neighbours. */
interface Access {
  readonly floats: number;
  readonly load: Code;
  readonly store: Code;
}

const four: Access = { floats: 4, load: loadFour, store: storeFour };
// The last elements go through the same vector code, so that they are rounded alike.
const one: Access = { floats: 1, load: loadOne, store: storeOne };

// One vector a pass: two, four or eight are not faster (AdamW, 20 thousand to 18 million elements; division and root bound it).
function functionOf(program: Program): FunctionBody {
  const { pointers, scalars, values, stores } = program;
  const uniform = uniformValues(program);
  const pointer = (index: number) => FIRST_POINTER + index;
  const scalar = (index: number) => FIRST_POINTER + pointers + index;
  const local = (value: number) => FIRST_POINTER + pointers + scalars + value;

  const compute = (value: Value, { load }: Access): Code => {
    if (value.op === "Load") return [...get(pointer(value.pointer)), ...load];
    if (value.op === "Scalar") return [...get(scalar(value.scalar)), ...splat];
    if (value.op === "Splat") return splatConst(value.value);
    return vectorCode[value.op](...value.operands.map((i) => get(local(i))));
  };
  const computeAll = (isUniform: boolean, access: Access): Code =>
    values.flatMap((value, i) => (uniform[i] === isUniform ? [...compute(value, access), ...set(local(i))] : []));
  const loop = (access: Access): Code =>
    whileLoop(
      [...get(COUNT), ...i32Const(access.floats), ...i32GreaterOrEqual],
      [
        ...computeAll(false, access),
        ...stores.flatMap((to) => [...get(pointer(to.pointer)), ...get(local(to.value)), ...access.store]),
        ...Array.from({ length: pointers }, (_, i) => move(pointer(i), access.floats * FLOAT_BYTES)).flat(),
        ...move(COUNT, -access.floats),
      ],
    );

  return {
    type: { params: [i32, ...Array(pointers).fill(i32), ...Array(scalars).fill(f32)], results: [] },
    locals: [{ count: values.length, type: v128 }],
    code: [...computeAll(true, four), ...loop(four), ...loop(one)],
  };
}

const move = (local: number, by: number): Code => [...get(local), ...i32Const(by), ...i32Add, ...set(local)];
