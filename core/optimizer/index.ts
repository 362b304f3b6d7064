import { adam, adamW } from "./adam.ts";
import { sgd } from "./sgd.ts";

export { adam, adamW, sgd };

/** Those that data files and flags may name. The first is the default. */
export const optimizers = [adamW, adam, sgd];
