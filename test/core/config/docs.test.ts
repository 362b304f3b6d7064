import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { leavesOf } from "../../../core/config/plain.ts";
import { runSchema, trainSchema } from "../../../core/config/schema.ts";

test("docs/configuration.md names every key with its default", async () => {
  const text = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  const documented = [...text.matchAll(/^\| `([\w.]+)` \| (\S.*?) \| /gm)].map(([, key, value]) => [
    key,
    value!.replaceAll("`", ""),
  ]);
  const leaves = leavesOf({ ...runSchema.parse({}), train: trainSchema.parse({}) });
  expect(documented).toEqual(leaves.map(([path, value]) => [path.join("."), value === null ? "none" : String(value)]));
});
