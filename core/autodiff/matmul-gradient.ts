import type { Tensor } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import { sumTo } from "./broadcast.ts";

let fastTransposed = false;

/**
 * Says that `matMul` with a transposed operand is as fast as without (a native BLAS is installed).
 * Only the `wasm` backend asks: it is 10 to 18 times slower with a transposed operand, so its gradients copy the
 * transpose out first. Every other backend is taken to be fast.
 */
export function setFastTransposedMatMul(on: boolean): void {
  fastTransposed = on;
}

/** True when gradients of `matMul` leave transposing to the kernel. */
export const fastTransposedMatMul = (): boolean => fastTransposed || tf.getBackend() !== "wasm";

/** Exchanges the last two axes. */
function transposed(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  const columns = axes.pop()!;
  const rows = axes.pop()!;
  return tf.transpose(x, [...axes, columns, rows]);
}

/** `op(a)·op(b)`, where `op` transposes when its flag is set. */
function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  if (fastTransposedMatMul()) return tf.matMul(a, b, transposeA, transposeB);
  // aᵀbᵀ = (ba)ᵀ: one copy instead of two.
  if (transposeA && transposeB) return transposed(tf.matMul(b, a));
  return tf.matMul(transposeA ? transposed(a) : a, transposeB ? transposed(b) : b);
}

/** `[..., m, n]` as `[rows, n]`. */
const asMatrix = (x: Tensor): Tensor => tf.reshape(x, [-1, x.shape[x.rank - 1]!]);

/**
 * The gradient of `C = op(A)·op(B)`: `dA = dC·op(B)ᵀ` and `dB = op(A)ᵀ·dC`, themselves transposed where the flag is set.
 * Batch axes broadcast: `A [..., m, k]`, `B [..., k, n]`, `dC [..., m, n]`; stock tfjs fails there.
 */
export const matMulGradient: Parameters<typeof tf.registerGradient>[0] = {
  kernelName: tf.BatchMatMul,
  inputsToSave: ["a", "b"],
  gradFunc: (dy, saved, attrs) => {
    const [a, b] = saved as [Tensor, Tensor];
    const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
    // Rows of a batch that shares one matrix are rows of one tall matrix, and only 2-D products are fast everywhere.
    const tall = a.rank > 2 && b.rank === 2 && !transposeA;
    const rows = tall ? asMatrix(a) : a;
    const dRows = tall ? asMatrix(dy as Tensor) : (dy as Tensor);
    return {
      a: () => {
        const dA = transposeA ? product(b, dRows, transposeB, true) : product(dRows, b, false, !transposeB);
        return tall ? tf.reshape(dA, a.shape) : sumTo(dA, a.shape);
      },
      b: () => {
        const dB = transposeB ? product(dRows, rows, true, transposeA) : product(rows, dRows, !transposeA, false);
        return sumTo(dB, b.shape);
      },
    };
  },
};
