import * as tf from "@tensorflow/tfjs-core";
import { acting } from "../acting.ts";
import { errors } from "../errors.ts";

let running = false;
let installed = false;

/**
 * Runs `f` while reading a tensor's value, or drawing from Math.random (as tf.random… does), throws MF_STEP_READ or
 * MF_STEP_RANDOM: either would break the step's purity, and a traced step could not do it at all.
 */
export function withoutReads<T>(f: () => T): T {
  install();
  const random = Math.random;
  running = true;
  Math.random = () => {
    throw errors.MF_STEP_RANDOM({ where: acting() });
  };
  try {
    return f();
  } finally {
    running = false;
    Math.random = random;
  }
}

function install(): void {
  if (installed) return;
  installed = true;
  const prototype = tf.Tensor.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const call of ["dataSync", "data", "arraySync", "array", "bufferSync", "buffer", "bytes"]) {
    const original = prototype[call];
    if (original === undefined) continue;
    prototype[call] = function (this: tf.Tensor, ...args: unknown[]) {
      if (running) throw errors.MF_STEP_READ({ call, where: acting() });
      return original.apply(this, args);
    };
  }
}
