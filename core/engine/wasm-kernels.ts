import * as tf from "@tensorflow/tfjs-core";
import { floatsOf, replaceKernel, type WasmKernel } from "./wasm-heap.ts";

/**
 * Replaces the kernels of tfjs-backend-wasm 4.22 that run far below memory speed. Each works on the wasm heap in plain
 * JavaScript, and leaves the cases it does not take to the shipped kernel. The ratio in each comment is shipped time
 * over ours at 1024×256 on one core.
 */
export function installWasmKernels(): void {
  replaceKernel("Identity", () => identity);
  replaceKernel("Tile", () => tile);
  replaceKernel("Sum", sum);
  replaceKernel("Transpose", transpose);
  replaceKernel("GatherV2", gather);
  replaceKernel<Unary, unknown>("Tanh", (shipped) => elementwise(shipped, tanhOf));
  replaceKernel<Unary, unknown>("Sin", (shipped) => elementwise(shipped, sinOf));
  replaceKernel<Unary, unknown>("Cos", (shipped) => elementwise(shipped, cosOf));
}

type Unary = { readonly x: tf.TensorInfo };

/** Shares the data, as the cpu backend does; the shipped kernel copies it. Clones are many: each use of a tape makes some. */
const identity: WasmKernel<Unary, unknown> = ({ inputs: { x }, backend }) => {
  backend.incRef(x.dataId);
  return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
};

/** BroadcastTo too is this kernel. 560 times: the shipped one visits the output value by value through its indices. */
const tile: WasmKernel<Unary, tf.TileAttrs> = ({ inputs: { x }, backend, attrs: { reps } }) => {
  const shape = x.shape.map((length, axis) => length * reps[axis]!);
  const out = backend.makeOutput(shape, x.dtype);
  const from = backend.typedArrayFromHeap(x);
  const to = backend.typedArrayFromHeap(out);
  if (to.length === 0) return out;
  const last = reps.findLastIndex((times) => times !== 1);
  if (last === -1) {
    to.set(from);
    return out;
  }
  const row = tf.util.sizeFromShape(x.shape.slice(last));
  let read = 0;
  /** Writes the tiles of `axis` and below at `at`; returns where they end. */
  const write = (axis: number, at: number): number => {
    let end = at;
    if (axis === last) {
      for (const stop = read + row; read < stop; ) to[end++] = from[read++]!;
    } else {
      for (let i = 0; i < x.shape[axis]!; i++) end = write(axis + 1, end);
    }
    return repeat(to, at, end, reps[axis]!);
  };
  write(0, 0);
  return out;
};

/** Repeats `[start, end)` of `values` after itself, `times` in all, by doubling; returns where the copies end. */
function repeat(values: Float32Array | Int32Array | Uint8Array, start: number, end: number, times: number): number {
  const stop = start + (end - start) * times;
  if (end - start === 1) values.fill(values[start]!, end, stop);
  else
    for (let filled = end; filled < stop; ) {
      const count = Math.min(filled - start, stop - filled);
      values.copyWithin(filled, start, start + count);
      filled += count;
    }
  return stop;
}

/** Over leading axes, the gradient of every bias; accumulates in float64. 6 times: the shipped one transposes first. */
const sum =
  (shipped: WasmKernel<Unary, tf.SumAttrs>): WasmKernel<Unary, tf.SumAttrs> =>
  (call) => {
    const { x } = call.inputs;
    const { axis, keepDims } = call.attrs as tf.SumAttrs & { keepDims?: boolean };
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const [kept, reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const columns = tf.util.sizeFromShape(kept);
    const rows = tf.util.sizeFromShape(reduced);
    const leading = axes.every((a) => a < axes.length);
    if (x.dtype !== "float32" || !leading || columns < 2 || rows < 2) return shipped(call);
    const out = call.backend.makeOutput(keepDims ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept, "float32");
    floatsOf(call.backend, out).set(columnTotals(floatsOf(call.backend, x), columns));
    return out;
  };

function columnTotals(values: Float32Array, columns: number): Float64Array {
  const totals = new Float64Array(columns);
  const four = 4 * columns;
  let at = 0;
  // Four rows a pass halve the time: the totals are read and written a quarter as often.
  for (; at + four <= values.length; at += four)
    for (let column = 0; column < columns; column++) {
      const i = at + column;
      totals[column]! += values[i]! + values[i + columns]! + values[i + 2 * columns]! + values[i + 3 * columns]!;
    }
  for (; at < values.length; at += columns)
    for (let column = 0; column < columns; column++) totals[column]! += values[at + column]!;
  return totals;
}

/** Exchange of two (groups of) neighbouring axes, alone or below a batch. 3 times. */
const transpose =
  (shipped: WasmKernel<Unary, tf.TransposeAttrs>): WasmKernel<Unary, tf.TransposeAttrs> =>
  (call) => {
    const { inputs, backend, attrs } = call;
    const { x } = inputs;
    const view = x.dtype === "float32" || x.dtype === "int32" ? asMatrices(x.shape, attrs.perm) : null;
    if (view === null) return shipped(call);
    const out = backend.makeOutput(
      attrs.perm.map((axis) => x.shape[axis]!),
      x.dtype,
    );
    const from = backend.typedArrayFromHeap(x);
    const to = backend.typedArrayFromHeap(out);
    for (let at = 0; at < from.length; at += view.rows * view.columns)
      transposeMatrix(from, to, at, view.rows, view.columns);
    return out;
  };

/** `perm` as the transpose of each [rows, columns] matrix of a batch; null when it is more than that or nothing. */
function asMatrices(shape: readonly number[], perm: readonly number[]): { rows: number; columns: number } | null {
  const order = perm.filter((axis) => shape[axis] !== 1);
  const axes = [...order].sort((p, q) => p - q);
  const batch = order.findIndex((axis, i) => axis !== axes[i]);
  if (batch === -1) return null;
  const turned = order.slice(batch);
  const plain = axes.slice(batch);
  const split = plain.indexOf(turned[0]!);
  const swapped = [...plain.slice(split), ...plain.slice(0, split)];
  if (turned.some((axis, i) => axis !== swapped[i])) return null;
  const size = (some: readonly number[]) => some.reduce((product, axis) => product * shape[axis]!, 1);
  const view = { rows: size(plain.slice(0, split)), columns: size(plain.slice(split)) };
  return view.rows * view.columns === 0 ? null : view;
}

const BLOCK = 16;

function transposeMatrix(
  from: Float32Array | Int32Array | Uint8Array,
  to: Float32Array | Int32Array | Uint8Array,
  at: number,
  rows: number,
  columns: number,
): void {
  // Blocks of one cache line keep both the reads and the writes in the cache.
  for (let row0 = 0; row0 < rows; row0 += BLOCK) {
    const rowEnd = Math.min(row0 + BLOCK, rows);
    for (let column0 = 0; column0 < columns; column0 += BLOCK) {
      const columnEnd = Math.min(column0 + BLOCK, columns);
      for (let column = column0; column < columnEnd; column++) {
        const write = at + column * rows;
        for (let row = row0; row < rowEnd; row++) to[write + row] = from[at + row * columns + column]!;
      }
    }
  }
}

/** Of whole rows (axis 0): an embedding, a minibatch out of a table. 140 times. */
const gather =
  (shipped: WasmKernel<GatherInputs, tf.GatherV2Attrs>): WasmKernel<GatherInputs, tf.GatherV2Attrs> =>
  (call) => {
    const { inputs, backend, attrs } = call;
    const { x, indices } = inputs;
    const rowBytes = tf.util.sizeFromShape(x.shape.slice(1)) * tf.util.bytesPerElement(x.dtype);
    if (attrs.axis !== 0 || attrs.batchDims !== 0 || indices.dtype !== "int32" || rowBytes === 0) return shipped(call);
    const count = x.shape[0]!;
    // The shipped kernel words the error about an index out of range.
    if (backend.typedArrayFromHeap(indices).some((row) => row < 0 || row >= count)) return shipped(call);
    const out = backend.makeOutput([...indices.shape, ...x.shape.slice(1)], x.dtype);
    const heap = backend.wasm.HEAPU8;
    const from = backend.dataIdMap.get(x.dataId).memoryOffset;
    let to = backend.dataIdMap.get(out.dataId).memoryOffset;
    for (const row of backend.typedArrayFromHeap(indices)) {
      const at = from + row * rowBytes;
      heap.copyWithin(to, at, at + rowBytes);
      to += rowBytes;
    }
    return out;
  };

type GatherInputs = { readonly x: tf.TensorInfo; readonly indices: tf.TensorInfo };

const elementwise =
  (shipped: WasmKernel<Unary>, compute: (x: Float32Array, y: Float32Array) => void): WasmKernel<Unary> =>
  (call) => {
    const { x } = call.inputs;
    if (x.dtype !== "float32") return shipped(call);
    const out = call.backend.makeOutput(x.shape, "float32");
    compute(floatsOf(call.backend, x), floatsOf(call.backend, out));
    return out;
  };

/** As the cpu backend computes it, bit for bit. 2 times. */
function sinOf(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) y[i] = Math.sin(x[i]!);
}

function cosOf(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) y[i] = Math.cos(x[i]!);
}

const TANH_LIMIT = 7.905311107635498;

/** The rational approximation of Eigen's `generic_fast_tanh_float`, evaluated in float64: relative error below 2e-7. 2.3 times. */
function tanhOf(x: Float32Array, y: Float32Array): void {
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    const c = v > TANH_LIMIT ? TANH_LIMIT : v < -TANH_LIMIT ? -TANH_LIMIT : v;
    const q = c * c;
    const p =
      ((((((-2.76076847742355e-16 * q + 2.00018790482477e-13) * q - 8.60467152213735e-11) * q + 5.12229709037114e-8) *
        q +
        1.48572235717979e-5) *
        q +
        6.37261928875436e-4) *
        q +
        4.89352455891786e-3) *
      c;
    y[i] = p / (((1.19825839466702e-6 * q + 1.18534705686654e-4) * q + 2.268434632439e-3) * q + 4.89352518554385e-3);
  }
}
