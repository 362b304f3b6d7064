import { elementwise } from "./elementwise.ts";
import type { KernelTable } from "./kernel.ts";
import { linearAlgebra } from "./linear-algebra.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";

/** How each tfjs kernel is recorded. */
export const kernels: KernelTable = { ...elementwise, ...reductions, ...shapes, ...linearAlgebra };
