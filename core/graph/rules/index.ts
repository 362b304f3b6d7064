import type { Rule } from "../builder.ts";
import { algebra } from "./algebra.ts";
import { broadcasting } from "./broadcasting.ts";
import { folding } from "./folding.ts";
import { products } from "./products.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";

/**
 * In the order they are tried: what makes nodes vanish before what moves them. They come to an end: a rule leaves fewer
 * operations, or cheaper ones (products for a power or a quotient, products of matrices with fewer multiplications), or
 * operations on fewer elements; else it moves a Neg or an Expand one operation towards the outputs, a constant to the
 * right or the older operand to the left, and no rule moves one back.
 */
export const allRules: readonly Rule[] = [
  ...folding,
  ...algebra,
  ...reductions,
  ...shapes,
  ...products,
  ...broadcasting,
];
