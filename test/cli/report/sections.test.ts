import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { buildSections } from "../../../cli/report/sections.ts";
import { useBackend } from "../../../core/engine/backend.ts";
import { definePlugin, type PluginContext } from "../../../core/plugin.ts";
import { colorMap, type Figure } from "../../../core/report/figure.ts";
import { createBench } from "../../../core/testing/bench.ts";
import type { OpenedRun } from "../../../core/train.ts";

beforeAll(() => useBackend("cpu"));

const reporting = (name: string, setup: (context: PluginContext) => void) =>
  definePlugin({ name, summary: "reports", options: z.strictObject({}), setup })();
const figure: Figure = { kind: "scene3d", up: "y", actors: [], clips: [] };

test("plugins add sections, in their order; a section's name is taken once", async () => {
  const one = reporting("one", ({ report }) => report({ name: "one/a", title: "A", build: () => figure }));
  const two = reporting("two", ({ report }) => report({ name: "two/b", title: "B", build: () => figure }));
  const bench = createBench([one, two]);
  expect(bench.assembly.sections.map(({ name }) => name)).toEqual(["one/a", "two/b"]);
  await bench.dispose();
  const thief = reporting("thief", ({ report }) => report({ name: "one/a", title: "A", build: () => figure }));
  expect(() => createBench([one, thief])).toThrow(expect.objectContaining({ code: "MF_DECLARED_TWICE" }));
});

test("a section is refused after setup", async () => {
  let late: PluginContext["report"] = () => {};
  const bench = createBench(
    reporting("late", ({ report }) => {
      late = report;
    }),
  );
  expect(() => late({ name: "x", title: "X", build: () => figure })).toThrow(
    expect.objectContaining({ code: "MF_SETUP_LATE" }),
  );
  await bench.dispose();
});

test("a section that cannot be made is left out with a warning that names it; the others are made", async () => {
  const bench = createBench(
    reporting("some", ({ report }) => {
      report({ name: "some/broken", title: "Broken", build: () => Promise.reject(new Error("no data")) });
      report({
        name: "some/whole",
        title: "Whole",
        build: async (params) => ({ ...figure, clips: [], actors: [], up: Object.keys(params).length > 0 ? "z" : "y" }),
      });
    }),
  );
  const said: string[] = [];
  const run = { assembly: bench.assembly, params: bench.state.params, predict: async () => ({}) };
  const built = await buildSections(run as unknown as OpenedRun, { info: () => {}, warn: (text) => said.push(text) });
  expect(built).toEqual([{ name: "some/whole", title: "Whole", figure: { ...figure, up: "z" } }]);
  expect(said).toEqual([`The report's section "some/broken" is left out: no data`]);
  await bench.dispose();
});

test("a colour map says the range and puts each value in 256 levels", () => {
  const { levels, ...rest } = colorMap([-1, 0, 1, 3], 2);
  expect(rest).toEqual({ columns: 2, rows: 2, low: -1, high: 3 });
  expect([...Buffer.from(levels, "base64")]).toEqual([0, 64, 128, 255]);
  expect([...Buffer.from(colorMap([5, 5], 2).levels, "base64")]).toEqual([0, 0]);
});
