import type { HostTensor } from "../../../../core/data/host-tensor.ts";
import { createBuilder } from "../../../../core/graph/builder.ts";
import { type DType, sizeOf } from "../../../../core/graph/node.ts";
import { toOnnx } from "../../../../core/graph/onnx/model.ts";
import type { HeapTensor } from "../../../../core/graph/runtime/runtime.ts";
import { createStream } from "../../../../core/random.ts";

/** Every element type in and out, an input that is an output, and a tensor without elements. */
export function mixed(): Uint8Array {
  const b = createBuilder([]);
  const x = b.input("x", [4]);
  const mask = b.input("mask", [4], "bool");
  const empty = b.input("empty", [0, 3]);
  return toOnnx({
    inputs: [x, mask, empty],
    outputs: {
      negative: b.unary("Neg", x),
      same: x,
      masked: b.where(mask, x, b.splat(7, [4])),
      inverse: b.unary("Not", mask),
      whole: b.cast(x, "int32"),
      nothing: b.unary("Neg", empty),
    },
  }).bytes;
}

/** h = tanh(x·w), loss = mean(h²) and its gradient for w: products, reductions and elementwise operations. */
export function gradient(batch: number, width: number): Uint8Array {
  const b = createBuilder();
  const [x, w] = [b.input("x", [batch, width]), b.input("w", [width, width])];
  const h = b.unary("Tanh", b.matmul(x, w));
  const squares = b.binary("Mul", h, h);
  const slope = b.binary("Sub", b.splat(1, []), squares);
  const grad = b.binary("Mul", b.binary("Mul", h, slope), b.splat(2 / (batch * width), []));
  return toOnnx({
    inputs: [x, w],
    outputs: { loss: b.reduce("ReduceMean", squares, [0, 1], false), dw: b.matmul(x, grad, true, false) },
  }).bytes;
}

/** Needs a petabyte on the way from one number to another. */
export function impossible(): Uint8Array {
  const b = createBuilder([]);
  const x = b.input("x", [1, 1]);
  const wide = b.add("Expand", [x], {}, [2 ** 24, 2 ** 24], "float32");
  return toOnnx({ inputs: [x], outputs: { y: b.reduce("ReduceSum", b.unary("Neg", wide), [0, 1], false) } }).bytes;
}

/** A step of gradient descent with momentum on a linear regression, with the state `w`, `m` and an idle `frozen`. */
export function momentumStep(batch: number, width: number): Uint8Array {
  const b = createBuilder();
  const [w, m, frozen] = [
    b.input("w", [width, width]),
    b.input("m", [width, width]),
    b.input("frozen", [width, width]),
  ];
  const [x, y, rate] = [b.input("x", [batch, width]), b.input("y", [batch, width]), b.input("rate", [])];
  const error = b.binary("Sub", b.matmul(x, b.binary("Add", w, frozen)), y);
  const loss = b.reduce("ReduceMean", b.binary("Mul", error, error), [0, 1], false);
  const grad = b.binary("Mul", b.matmul(x, error, true, false), b.splat(2 / (batch * width), []));
  const momentum = b.binary("Add", b.binary("Mul", m, b.splat(0.9, [])), grad);
  return toOnnx({
    inputs: [w, m, frozen, x, y, rate],
    outputs: {
      loss,
      "next:w": b.binary("Sub", w, b.binary("Mul", momentum, rate)),
      "next:m": momentum,
      "next:frozen": frozen,
    },
  }).bytes;
}

/** A model of ONNX operators with one called by a name nobody knows. */
export function foreign(): Uint8Array {
  const bytes = Buffer.from(mixed());
  bytes.write("Ngg", bytes.indexOf("Neg"));
  return bytes;
}

/** Normal numbers; the same for the same name. */
export const normals = (name: string, shape: readonly number[]): HostTensor<"float32"> => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(createStream(1, name, 0).normals(sizeOf(shape))),
});

/** Places tensors one after the other in a heap, from `start` on. */
export function placed<K extends string>(
  shapes: Readonly<Record<K, { readonly shape: readonly number[]; readonly dtype?: DType }>>,
  start = 0,
): Record<K, HeapTensor> {
  let address = start;
  return Object.fromEntries(
    Object.entries<{ shape: readonly number[]; dtype?: DType }>(shapes).map(([name, { shape, dtype = "float32" }]) => {
      const tensor = { dtype, shape, address };
      address += 64 * Math.ceil((4 * sizeOf(shape)) / 64 + 1);
      return [name, tensor];
    }),
  ) as Record<K, HeapTensor>;
}
