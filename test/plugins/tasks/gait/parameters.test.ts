import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadParameters, parametersFromJson } from "../../../../plugins/tasks/gait/parameters/read.ts";
import { shippedParameters } from "../../../../plugins/tasks/gait/parameters/shipped.ts";
import {
  defaultParams,
  type GaitParameter,
  normalizedParamState,
  numKnownParams,
  paramsFromNormalized,
} from "../../../../plugins/tasks/gait/parameters/space.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "mf-gait-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

/** What reading a description complains of, without the folder; every complaint is the user's to act on. */
const complaint = (name: string, text: string): string => {
  try {
    loadParameters(file(name, text));
  } catch (error) {
    const { fault, message } = error as { fault: string; message: string };
    expect(fault).toBe("user");
    return message.replaceAll(`${folder}/`, "");
  }
  return "no error";
};

describe("the shipped description", () => {
  const { parameters } = shippedParameters();
  const inGroup = (group: string): GaitParameter[] => parameters.filter((parameter) => parameter.group === group);

  test("has the published groups in the published order: 279 parameters, 13 of them known", () => {
    const groups = [...new Set(parameters.map(({ group }) => group))];
    expect(groups).toEqual(["gait", "skeleton", "torsion", "muscle_length", "muscle_force"]);
    expect(groups.map((group) => inGroup(group).length)).toEqual([2, 9, 2, 132, 134]);
    expect(parameters.map(({ group }) => groups.indexOf(group))).toEqual(
      parameters.map(({ group }) => groups.indexOf(group)).sort((a, b) => a - b),
    );
    expect(numKnownParams(shippedParameters())).toBe(13);
    expect(new Set(parameters.map(({ name }) => name)).size).toBe(279);
  });

  test("has the published ranges and defaults", () => {
    const ranges = (group: string): Set<string> =>
      new Set(inGroup(group).map(({ min, max, default: value }) => `${min} … ${max}, ${value}`));
    expect(ranges("gait")).toEqual(new Set(["0.75 … 1.25, 1"]));
    expect(ranges("skeleton")).toEqual(new Set(["0.85 … 1, 1", "0.9 … 1, 1"]));
    expect(ranges("torsion")).toEqual(new Set(["-0.55 … 0.55, 0"]));
    expect(ranges("muscle_force")).toEqual(new Set(["0.05 … 1, 1"]));
    const shortest = inGroup("muscle_length").map(({ min }) => min);
    expect([Math.min(...shortest), Math.max(...shortest)]).toEqual([0.635, 0.83]);
  });

  test("has every muscle on both sides", () => {
    const names = inGroup("muscle_force").map(({ name }) => name);
    expect(names.filter((name) => name.endsWith("_R")).map((name) => name.replace(/_R$/, "_L"))).toEqual(
      names.filter((name) => name.endsWith("_L")),
    );
  });

  test("reads back from its own list, as from a checkpoint", () => {
    expect(parametersFromJson(JSON.parse(JSON.stringify(parameters)), "run").parameters).toEqual(parameters);
    expect(loadParameters(null)).toBe(shippedParameters());
  });

  test("finds names, and says which one was probably meant", () => {
    expect(shippedParameters().indexOf("gait_cadence")).toBe(1);
    expect(() => shippedParameters().indexOf("gait_strid")).toThrow('Did you mean "gait_stride"?');
    expect(() => shippedParameters().indexOf("colour")).toThrow("among the 279");
  });
});

const parameter = (name: string, min: number, max: number, value: number): GaitParameter => ({
  name: `gait_${name}`,
  group: "gait",
  min,
  max,
  default: value,
  known: true,
});

describe("normalised values", () => {
  const space = parametersFromJson(
    [parameter("a", 2, 6, 3), parameter("b", 1, 1, 1), parameter("c", -1, 1, 0)],
    "test",
  );

  test("are shares of the range; a range without width gives 0", () => {
    expect(normalizedParamState(space, Float32Array.of(3, 1, 0, 6, 1, -1))).toEqual(
      Float32Array.of(0.25, 0, 0.5, 1, 0, 0),
    );
    // Not cut: what is out of range is for the data's checks to see.
    expect(normalizedParamState(space, Float64Array.of(8, 1, 0))[0]).toBe(1.5);
  });

  test("go back to values", () => {
    expect(paramsFromNormalized(space, Float32Array.of(0.25, 0.7, 0.5))).toEqual(Float32Array.of(3, 1, 0));
    expect(defaultParams(space)).toEqual(Float32Array.of(3, 1, 0));
  });

  test("come in whole rows", () => {
    expect(() => normalizedParamState(space, new Float32Array(4))).toThrow("4 values are not whole rows of 3");
  });
});

const environment = (parameters: string): string =>
  `<environment>\n<skeleton><bone name="Femur"/></skeleton>\n<parameter>\n${parameters}\n</parameter>\n</environment>`;

describe("a description in a file", () => {
  test("is an environment document, of which only the parameters are read", () => {
    const xml = environment(`<gait>
      <!-- a comment -->
      <stride min="0.75" max=" 1.25 " default="1e0" sampling="uniform"/>
    </gait>
    <muscle_force known="no matter">
      <Soleus_R min="0.05" max="1" default="1"/>
      <Soleus_L min="0.05" max="1" default="1" known="true"/>
    </muscle_force>`);
    const expected = [
      { name: "gait_stride", group: "gait", min: 0.75, max: 1.25, default: 1, known: true },
      { name: "muscle_force_Soleus_R", group: "muscle_force", min: 0.05, max: 1, default: 1, known: false },
      { name: "muscle_force_Soleus_L", group: "muscle_force", min: 0.05, max: 1, default: 1, known: true },
    ];
    expect(loadParameters(file("a.xml", `\uFEFF${xml}`)).parameters).toEqual(expected);
    expect(loadParameters(file("section.XML", xml.slice(xml.indexOf("<parameter>"), -15))).parameters).toEqual(
      expected,
    );
    const list = expected.map(({ known, ...rest }) => (rest.name.endsWith("_L") ? { ...rest, known } : rest));
    expect(loadParameters(file("a.json", JSON.stringify(list))).parameters).toEqual(expected);
  });

  const stride = (attributes: string): string => environment(`<gait><stride ${attributes}/></gait>`);
  test.each([
    ["a bound missing", stride('max="1" default="1"'), 'a.xml:4: parameter "gait_stride" has no min="…". Add it.'],
    ["no default", stride('min="0" max="1"'), 'has no default="…"'],
    ["no number", stride('min="zero" max="1" default="1"'), 'has min="zero", which is no number'],
    ["an infinite number", stride('min="0" max="1e999" default="1"'), 'has max="1e999", which is no number'],
    ["bounds swapped", stride('min="2" max="1" default="1"'), "has min 2 above max 1. Swap or correct them."],
    ["a default outside", stride('min="0" max="1" default="2"'), "has default 2 outside its range 0 … 1."],
    ["a word for known", stride('min="0" max="1" default="1" known="yes"'), 'has known="yes". Write "true" or "false"'],
    ["an empty group", environment("<gait/>\n<a/>"), "a.xml:4: the group <gait> holds no parameters"],
    ["no group", environment('<stride min="0" max="1" default="1"/>'), "the group <stride> holds no parameters"],
    ["no parameters", environment(""), "a.xml: it describes no parameters."],
    ["no section", "<environment/>", "a.xml:1: the document has no <parameter> element, and one is due."],
    ["two sections", "<e><parameter/>\n<parameter/></e>", "a.xml:2: the document has 2 <parameter> elements"],
    ["bad XML", "<environment>\n<parameter>", "not well-formed XML"],
    ["nothing", "", "a.xml:1: not well-formed XML"],
    [
      "a name twice",
      environment('<gait><a min="0" max="1" default="1"/>\n<a min="0" max="1" default="1"/></gait>'),
      'a.xml:5: parameter "gait_a" is already described (',
    ],
  ])("is refused with %s", (_what, xml, message) => {
    expect(complaint("a.xml", xml)).toContain(message);
  });

  test.each([
    ["no JSON", "{", "it is not JSON"],
    ["no list", "{}", "it must be a list of parameters"],
    ["an empty list", "[]", "it describes no parameters"],
    [
      "a word",
      '[{"name":"a","group":"g","min":"0","max":1,"default":1}]',
      'parameter "a" is wrong in "min": must be a',
    ],
    ["no name", '[{"group":"g","min":0,"max":1,"default":1}]', 'parameter "number 1" is wrong in "name"'],
    ["null for a parameter", "[null]", 'parameter "number 1" is wrong: must be an object'],
    ["another field", '[{"name":"a","group":"g","min":0,"max":1,"default":1,"maxx":2}]', 'did you mean "max"'],
    ["an infinite number", '[{"name":"a","group":"g","min":0,"max":1e999,"default":1}]', 'wrong in "max"'],
    ["a default outside", '[{"name":"a","group":"g","min":0,"max":1,"default":2}]', "outside its range 0 … 1"],
  ])("is refused as a list with %s", (_what, json, message) => {
    expect(complaint("a.json", json)).toContain(message);
  });

  test("is refused when it is not there, or of another kind", () => {
    expect(() => loadParameters(join(folder, "none.xml"))).toThrow("does not exist");
    expect(() => loadParameters(folder)).toThrow("is an .xml or a .json file");
    expect(complaint("a.yaml", "")).toContain("is an .xml or a .json file");
  });
});
