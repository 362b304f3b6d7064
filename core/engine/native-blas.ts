import { availableParallelism } from "node:os";
import * as tf from "@tensorflow/tfjs-core";
import { errors } from "../errors.ts";
import { loadKoffi } from "../graph/runtime/koffi.ts";
import { floatsOf, replaceKernel, restoreKernel, type WasmCall, type WasmKernel } from "./wasm-heap.ts";

export interface Blas {
  /** Such as `OpenBLAS SkylakeX`. */
  readonly name: string;
  /** Null when the library gives no way to set it. */
  readonly threads: number | null;
}

interface MatMulInputs {
  readonly a: tf.TensorInfo;
  readonly b: tf.TensorInfo;
  readonly bias?: tf.TensorInfo;
}

interface MatMulAttrs {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly activation?: string;
}

type MatMulCall = WasmCall<MatMulInputs, MatMulAttrs>;
type MatMulKernel = WasmKernel<MatMulInputs, MatMulAttrs>;

/** C[m,n] = op(A)·op(B) + beta·C on row-major matrices given by address. */
type Sgemm = (
  order: number,
  transposeA: number,
  transposeB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: number,
  lda: number,
  b: number,
  ldb: number,
  beta: number,
  c: number,
  ldc: number,
) => void;

interface Library {
  readonly name: string;
  readonly sgemm: Sgemm;
  readonly setThreads: ((threads: number) => void) | null;
  readonly addressOf: (bytes: Uint8Array) => number;
}

const ROW_MAJOR = 101;
const AS_IS = 111;
const TRANSPOSED = 112;
const FLOAT_BYTES = 4;
/** Multiplications per matrix of a batch below which a loop here beats a call of the library (1024 of 3×3×3: 2.4 times). */
const TINY = 48;

/**
 * Puts a BLAS library under the wasm backend's matrix products (kernels BatchMatMul and _FusedMatMul), working on the
 * wasm heap in place. Null when there is none: no koffi, no library, or `MF_BLAS=off`.
 * `MF_BLAS_LIB` names the library file; throws `MF_BLAS_LIBRARY` when that one cannot be used.
 * Products repeat bit for bit on one machine with one thread count.
 */
export async function installBlas(threads: number = availableParallelism()): Promise<Blas | null> {
  if (process.env["MF_BLAS"] === "off") return null;
  const library = await findLibrary();
  if (library === null) return null;
  library.setThreads?.(threads);
  replaceKernel<MatMulInputs, MatMulAttrs>("BatchMatMul", (shipped) => matMul(library, shipped));
  replaceKernel<MatMulInputs, MatMulAttrs>("_FusedMatMul", (shipped) => fusedMatMul(library, shipped));
  return { name: library.name, threads: library.setThreads === null ? null : threads };
}

/** Gives the wasm backend its own matrix products back. */
export function uninstallBlas(): void {
  restoreKernel("BatchMatMul");
  restoreKernel("_FusedMatMul");
}

let found: Library | null | undefined;

async function findLibrary(): Promise<Library | null> {
  const asked = process.env["MF_BLAS_LIB"];
  if (asked)
    return openLibrary(asked).catch((cause: Error) => {
      throw errors.MF_BLAS_LIBRARY({ path: asked, reason: cause.message }, { cause });
    });
  if (found !== undefined) return found;
  for (const path of CANDIDATES[process.platform] ?? []) {
    found = await openLibrary(path).catch(() => null);
    if (found !== null) return found;
  }
  found = null;
  return found;
}

const CANDIDATES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["libopenblas.so.0", "libopenblas.so"],
  darwin: [
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
    "libopenblas.dylib",
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
  ],
  win32: ["libopenblas.dll"],
};

async function openLibrary(path: string): Promise<Library> {
  const koffi = await loadKoffi();
  const library = koffi.load(path);
  const optional = (declaration: string) => {
    try {
      return library.func(declaration);
    } catch {
      return null;
    }
  };
  const sgemm: Sgemm = library.func(
    "void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, uintptr_t a, int lda, uintptr_t b, int ldb, float beta, uintptr_t c, int ldc)",
  );
  const core = optional("const char *openblas_get_corename()");
  return {
    name: core === null ? path.slice(path.lastIndexOf("/") + 1) : `OpenBLAS ${core()}`,
    sgemm,
    setThreads: optional("void openblas_set_num_threads(int threads)"),
    addressOf: (bytes) => Number(koffi.address(bytes)),
  };
}

const matMul =
  (library: Library, shipped: MatMulKernel): MatMulKernel =>
  (call) => {
    const product = productOf(call);
    if (product === null) return shipped(call);
    const out = call.backend.makeOutput([...product.batch, product.m, product.n], "float32");
    multiplyInto(library, call, product, out, 0);
    return out;
  };

/** A linear product plus a bias over columns is one sgemm onto rows of the bias; others stay with the shipped kernel. */
const fusedMatMul =
  (library: Library, shipped: MatMulKernel): MatMulKernel =>
  (call) => {
    const { bias } = call.inputs;
    const product = productOf(call);
    const biasFits =
      bias === undefined || (bias.dtype === "float32" && tf.util.sizeFromShape(bias.shape) === product?.n);
    if (product === null || !biasFits || (call.attrs.activation ?? "linear") !== "linear") return shipped(call);
    const out = call.backend.makeOutput([...product.batch, product.m, product.n], "float32");
    if (bias !== undefined) {
      const row = floatsOf(call.backend, bias);
      const rows = floatsOf(call.backend, out);
      for (let at = 0; at < rows.length; at += row.length) rows.set(row, at);
    }
    multiplyInto(library, call, product, out, bias === undefined ? 0 : 1);
    return out;
  };

interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** The broadcast batch axes. */
  readonly batch: number[];
}

/** Null for operands that the shipped kernel must judge: other dtypes, shapes that do not fit. */
function productOf({ inputs: { a, b }, attrs: { transposeA, transposeB } }: MatMulCall): Product | null {
  if (a.dtype !== "float32" || b.dtype !== "float32") return null;
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const k = transposeA ? rowsA : columnsA;
  if (k !== (transposeB ? columnsB : rowsB)) return null;
  return {
    m: transposeA ? columnsA : rowsA,
    n: transposeB ? rowsB : columnsB,
    k,
    batch: tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)),
  };
}

function multiplyInto(library: Library, call: MatMulCall, product: Product, out: tf.TensorInfo, beta: number): void {
  const { a, b } = call.inputs;
  const { m, n, k, batch } = product;
  const count = tf.util.sizeFromShape(batch);
  if (count * m * n === 0) return;
  if (k === 0) {
    if (beta === 0) floatsOf(call.backend, out).fill(0);
    return;
  }
  const { transposeA, transposeB } = call.attrs;
  // makeOutput may have grown the heap, which can move it: the address is asked for after it, at every call.
  const heap = library.addressOf(call.backend.wasm.HEAPU8);
  const addressOf = (tensor: tf.TensorInfo) => heap + call.backend.dataIdMap.get(tensor.dataId).memoryOffset;
  const addressA = addressOf(a);
  const addressB = addressOf(b);
  const addressC = addressOf(out);
  const sgemm = (rows: number, atA: number, atB: number, atC: number) =>
    library.sgemm(
      ROW_MAJOR,
      transposeA ? TRANSPOSED : AS_IS,
      transposeB ? TRANSPOSED : AS_IS,
      rows,
      n,
      k,
      1,
      addressA + FLOAT_BYTES * atA,
      transposeA ? m : k,
      addressB + FLOAT_BYTES * atB,
      transposeB ? k : n,
      beta,
      addressC + FLOAT_BYTES * atC,
      n,
    );
  const sharedB = tf.util.sizeFromShape(b.shape.slice(0, -2)) === 1;
  const wholeA = tf.util.sizeFromShape(a.shape.slice(0, -2)) === count;
  if (!transposeA && sharedB && wholeA) {
    // Rows of a batch that shares one B are rows of one tall A.
    sgemm(count * m, 0, 0, 0);
    return;
  }
  const matrixOfA = batchIndex(a.shape.slice(0, -2), batch);
  const matrixOfB = batchIndex(b.shape.slice(0, -2), batch);
  if (beta === 0 && m * n * k <= TINY) {
    const operands = { a: floatsOf(call.backend, a), b: floatsOf(call.backend, b), c: floatsOf(call.backend, out) };
    for (let i = 0; i < count; i++)
      multiplyTiny(operands, call.attrs, product, matrixOfA(i) * m * k, matrixOfB(i) * k * n, i * m * n);
    return;
  }
  for (let i = 0; i < count; i++) sgemm(m, matrixOfA(i) * m * k, matrixOfB(i) * k * n, i * m * n);
}

/** One small product in place: calling out costs more than these few multiplications. */
function multiplyTiny(
  { a, b, c }: { readonly a: Float32Array; readonly b: Float32Array; readonly c: Float32Array },
  { transposeA, transposeB }: MatMulAttrs,
  { m, n, k }: Product,
  atA: number,
  atB: number,
  atC: number,
): void {
  const [rowA, stepA] = transposeA ? [1, m] : [k, 1];
  const [stepB, columnB] = transposeB ? [1, k] : [n, 1];
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a[atA + i * rowA + l * stepA]! * b[atB + j * columnB + l * stepB]!;
      c[atC + i * n + j] = sum;
    }
}

/** Which matrix of an operand with batch axes `own` the matrix `i` of the broadcast batch reads. */
function batchIndex(own: readonly number[], batch: readonly number[]): (i: number) => number {
  const size = tf.util.sizeFromShape([...own]);
  if (size === 1) return () => 0;
  if (size === tf.util.sizeFromShape([...batch])) return (i) => i;
  const lead = batch.length - own.length;
  return (i) => {
    let index = 0;
    let stride = 1;
    let rest = i;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      const at = rest % batch[axis]!;
      rest = (rest - at) / batch[axis]!;
      const length = own[axis - lead] ?? 1;
      if (length === 1) continue;
      index += at * stride;
      stride *= length;
    }
    return index;
  };
}
