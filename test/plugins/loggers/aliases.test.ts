import { expect, test } from "vitest";
import { aliasesSchema, withAliases } from "../../../plugins/loggers/aliases.ts";

const point = (name: string, value: number) => ({ name, value, step: 1, epoch: 0, split: "val" as const });

test("a metric is followed by its copies under further names", () => {
  const points = [point("val/loss", 1), point("train/loss", 2)];
  expect(withAliases(points, { "val/val_loss": "val/loss", a: "val/loss", b: "val/other" })).toEqual([
    point("val/loss", 1),
    point("val/val_loss", 1),
    point("a", 1),
    point("train/loss", 2),
  ]);
});

test("by default the validation loss is also called val/val_loss", () => {
  expect(withAliases([point("val/loss", 1)], aliasesSchema.parse(undefined)).map(({ name }) => name)).toEqual([
    "val/loss",
    "val/val_loss",
  ]);
});
