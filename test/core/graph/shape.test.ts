import { expect, test } from "vitest";
import { broadcastRun } from "../../../core/graph/shape.ts";

test.each([
  ["the same shape", [4, 8, 2], [4, 8, 2], 64],
  ["a scalar", [], [4, 8, 2], 64],
  ["a row", [2], [4, 8, 2], 2],
  ["a plane", [8, 2], [4, 8, 2], 16],
  ["in the middle", [4, 1, 2], [4, 8, 2], 2],
  ["a column", [4, 8, 1], [4, 8, 2], 2],
  ["the first axis", [4, 1, 1], [4, 8, 2], 16],
  ["axes of length 1 do not count", [4, 1, 1], [4, 1, 5], 5],
  ["nor do they at the end", [1, 8, 1], [4, 8, 1], 8],
] as const)("the run of %s", (_, operand, shape, run) => {
  expect(broadcastRun(operand, shape)).toBe(run);
});
