import { basename } from "node:path";
import { z } from "zod";
import { toFloat32 } from "../../../../core/data/convert.ts";
import type { DataInspector, Inspection, InspectionTable } from "../../../../core/data/generator.ts";
import { checkSums, npzRows } from "../../../../core/data/npz-rows.ts";
import { isMfError } from "../../../../core/errors.ts";
import { parseOptions } from "../../../../core/plugin.ts";
import { CHANNEL_NAMES, MOTION_WIDTH } from "../motion/layout.ts";
import type { GaitParameter } from "../parameters/space.ts";
import { addColumns, addRows, type Columns, emptyColumns, finite, noBounds, total } from "./columns.ts";
import { npzFiles } from "./files.ts";
import { allowedRanges, type Description, loadDescription, openMotions, SYNTHETIC_MARK } from "./rows.ts";

const optionsSchema = z.strictObject({
  parameters: z.string().nullable().default(null).describe("an XML or JSON description; null for the shipped one"),
});

/** What a file of motions holds, by parameter and by channel. */
interface Found {
  readonly motions: number;
  readonly synthetic: boolean;
  readonly params: Columns;
  readonly channels: Columns;
}

/** What is to be said of a file: what it holds, or why it cannot be used. */
type Looked = { readonly file: string } & (Found | { readonly problem: string });

/** A folder of motions, or one file: what it holds by file, by parameter and by channel, and what is wrong with it. */
export const gaitInspector: DataInspector = {
  name: "gait",
  summary: "motions: ranges and NaN by parameter and channel, parameters out of their ranges, damaged files",
  options: optionsSchema,
  async inspect(given, path, progress) {
    const description = loadDescription(parseOptions("gait", optionsSchema, given).parameters);
    const looked: Looked[] = [];
    if (path.endsWith(".npz")) looked.push(await lookThrough(path, description));
    else {
      const paths = await npzFiles(path);
      for (const [i, file] of paths.entries()) {
        looked.push(await lookThrough(file, description).catch((error: unknown) => problemOf(file, error)));
        progress((i + 1) / paths.length);
      }
    }
    return report(looked, description.space.parameters);
  },
};

function problemOf(path: string, error: unknown): Looked {
  if (!isMfError(error) || error.fault !== "user") throw error;
  return { file: basename(path), problem: error.message };
}

/** Rows that are looked at together. */
const PIECE = 128;

/** Reads a whole file, checksums and all. Throws MF_FILE_…, MF_DATA_VALUE, MF_GAIT_DATA_WIDTH. */
async function lookThrough(path: string, description: Description): Promise<Looked & Found> {
  const file = await openMotions(path, description);
  await checkSums(file);
  const allowed = allowedRanges(description.space);
  const params = emptyColumns(allowed.lowest.length);
  const channels = emptyColumns(MOTION_WIDTH);
  const rows = npzRows([file], (given) => given);
  try {
    for (let at = 0; at < rows.rows; at += PIECE) {
      const piece = await rows.read(at, Math.min(PIECE, rows.rows - at));
      addRows(params, toFloat32(piece["params"]!).data, allowed);
      addRows(channels, toFloat32(piece["motions"]!).data, noBounds(MOTION_WIDTH));
    }
  } finally {
    await rows.close?.();
  }
  return { file: basename(path), motions: file.rows, synthetic: file.names.includes(SYNTHETIC_MARK), params, channels };
}

function report(looked: readonly Looked[], parameters: readonly GaitParameter[]): Inspection {
  const usable = looked.filter((one) => "motions" in one);
  const params = together(
    usable.map((one) => one.params),
    parameters.length,
  );
  const channels = together(
    usable.map((one) => one.channels),
    MOTION_WIDTH,
  );
  const all: Found = {
    motions: usable.reduce((sum, { motions }) => sum + motions, 0),
    synthetic: usable.some(({ synthetic }) => synthetic),
    params,
    channels,
  };
  const parameterRows = parameters.map(({ name, group, min, max }, j) => ({
    name,
    group,
    allowed: [min, max],
    ...columnOf(params, j),
    below: params.below[j]!,
    above: params.above[j]!,
  }));
  const channelRows = CHANNEL_NAMES.map((name, j) => ({ name, ...columnOf(channels, j) }));
  return {
    document: {
      ...totals(all, parameters),
      files: looked.map((one) => ("problem" in one ? one : { file: one.file, ...totals(one, parameters) })),
      parameters: parameterRows,
      channels: channelRows,
    },
    tables: [
      fileTable(looked, all),
      ...wrongTable(parameterRows),
      groupTable(parameterRows),
      channelTable(channelRows),
    ],
  };
}

function together(parts: readonly Columns[], width: number): Columns {
  const all = emptyColumns(width);
  for (const part of parts) addColumns(all, part);
  return all;
}

const columnOf = ({ min, max, nan, infinite }: Columns, j: number) => ({
  min: finite(min[j]!),
  max: finite(max[j]!),
  nan: nan[j]!,
  infinite: infinite[j]!,
});

const totals = ({ motions, synthetic, params, channels }: Found, parameters: readonly GaitParameter[]) => ({
  motions,
  synthetic,
  nan: total(params.nan) + total(channels.nan),
  infinite: total(params.infinite) + total(channels.infinite),
  out_of_range: Object.fromEntries(
    parameters.map(({ name }, j) => [name, params.below[j]! + params.above[j]!]).filter(([, count]) => count !== 0),
  ),
});

type ParameterRow = ReturnType<typeof columnOf> & {
  readonly name: string;
  readonly group: string;
  readonly allowed: readonly number[];
  readonly below: number;
  readonly above: number;
};

function fileTable(looked: readonly Looked[], all: Found): InspectionTable {
  const row = (name: string, { motions, synthetic, params, channels }: Found) => [
    name,
    motions,
    synthetic ? "yes" : "no",
    total(params.nan) + total(channels.nan),
    total(params.infinite) + total(channels.infinite),
    total(params.below) + total(params.above),
    null,
  ];
  return {
    title: "Files",
    header: ["file", "motions", "synthetic", "NaN", "infinite", "out of range", "problem"],
    rows: [
      ...looked.map((one) =>
        "problem" in one ? [one.file, null, null, null, null, null, one.problem] : row(one.file, one),
      ),
      row("all", all),
    ],
  };
}

/** None where nothing is wrong. */
function wrongTable(parameters: readonly ParameterRow[]): InspectionTable[] {
  const wrong = parameters.filter(({ nan, infinite, below, above }) => nan + infinite + below + above > 0);
  if (wrong.length === 0) return [];
  return [
    {
      title: "Parameters that are no numbers or out of their ranges",
      header: ["parameter", "min", "max", "from", "to", "below", "above", "NaN", "infinite"],
      rows: wrong.map(({ name, min, max, allowed, below, above, nan, infinite }) => [
        name,
        min,
        max,
        allowed[0]!,
        allowed[1]!,
        below,
        above,
        nan,
        infinite,
      ]),
    },
  ];
}

function groupTable(parameters: readonly ParameterRow[]): InspectionTable {
  const groups = [...new Set(parameters.map(({ group }) => group))];
  return {
    title: "Parameters",
    header: ["group", "parameters", "min", "max"],
    rows: groups.map((group) => {
      const own = parameters.filter((parameter) => parameter.group === group);
      const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
      return [
        group,
        own.length,
        finite(Math.min(...known(own.map(({ min }) => min)))),
        finite(Math.max(...known(own.map(({ max }) => max)))),
      ];
    }),
  };
}

const channelTable = (
  channels: readonly (ReturnType<typeof columnOf> & { readonly name: string })[],
): InspectionTable => ({
  title: "Channels",
  header: ["channel", "min", "max", "NaN", "infinite"],
  rows: channels.map(({ name, min, max, nan, infinite }) => [name, min, max, nan, infinite]),
});
