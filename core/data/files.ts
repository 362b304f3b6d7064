import { basename, extname } from "node:path";
import { errors } from "../errors.ts";
import { readBytes } from "./bytes.ts";
import { float16Value } from "./convert.ts";
import { elementCount } from "./elements.ts";
import type { HostTensor } from "./host-tensor.ts";
import { decodeNpy } from "./npy.ts";
import { decodeNpz } from "./npz.ts";
import { decodeSafetensors } from "./safetensors.ts";

const endings = [".npz", ".npy", ".safetensors", ".json"];

/**
 * The arrays of a .npz, .npy, .safetensors or .json file by name. The one array of an .npy file, or of a .json file that
 * is a list, is named after the file; numbers of .json files are float64. Throws MF_FILE_MISSING, MF_FILE_UNREADABLE,
 * MF_FILE_FORMAT and, for lists of unequal length, MF_DATA_VALUE.
 */
export async function readArrays(path: string): Promise<Record<string, HostTensor>> {
  const ending = extname(path).toLowerCase();
  if (!endings.includes(ending)) {
    throw errors.MF_FILE_FORMAT({
      path,
      problem: `its name ends in "${ending}"; data is read from ${endings.join(", ")}`,
    });
  }
  const bytes = await readBytes(path, "Data file");
  const stem = basename(path, extname(path));
  if (ending === ".npz") return decodeNpz(bytes, path);
  if (ending === ".npy") return { [stem]: decodeNpy(bytes, path) };
  if (ending === ".safetensors") return decodeSafetensors(bytes, path).tensors;
  return decodeJson(bytes, path, stem);
}

function decodeJson(bytes: Uint8Array, path: string, stem: string): Record<string, HostTensor> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw errors.MF_FILE_FORMAT({ path, problem: `it is not JSON (${(cause as Error).message})` }, { cause });
  }
  if (Array.isArray(value)) return { [stem]: nestedArray(value, path, stem) };
  if (typeof value !== "object" || value === null) {
    throw errors.MF_FILE_FORMAT({ path, problem: "it holds neither a list of numbers nor an object of such lists" });
  }
  return Object.fromEntries(Object.entries(value).map(([name, list]) => [name, nestedArray(list, path, name)]));
}

function nestedArray(list: unknown, path: string, array: string): HostTensor<"float64"> {
  const shape: number[] = [];
  for (let level = list; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data = new Float64Array(elementCount(shape));
  let filled = 0;
  const fill = (value: unknown, place: readonly number[]): void => {
    const at = place.length === 0 ? "" : ` at [${place.join("][")}]`;
    const wrong = (problem: string) => errors.MF_DATA_VALUE({ path, array, problem: `${problem}${at}` });
    const length = shape[place.length];
    if (length === undefined) {
      if (typeof value !== "number") throw wrong(`has ${JSON.stringify(value)?.slice(0, 40)} where a number is due`);
      data[filled++] = value;
      return;
    }
    if (!Array.isArray(value)) throw wrong(`has ${JSON.stringify(value)?.slice(0, 40)} where a list is due`);
    if (value.length !== length) throw wrong(`has a list of ${value.length} where the first has ${length}`);
    value.forEach((item, i) => {
      fill(item, [...place, i]);
    });
  };
  fill(list, []);
  return { dtype: "float64", shape, data };
}

/** Throws MF_DATA_VALUE naming the array and the first row that holds NaN or an infinity. */
export function checkFinite(path: string, array: string, tensor: HostTensor, firstRow = 0): void {
  const { dtype, shape, data } = tensor;
  if (dtype !== "float32" && dtype !== "float64" && dtype !== "float16") return;
  for (let i = 0; i < data.length; i++) {
    const value = dtype === "float16" ? float16Value(data[i]!) : data[i]!;
    if (Number.isFinite(value)) continue;
    const what = Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    const row = firstRow + Math.floor(i / elementCount(shape.slice(1)));
    throw errors.MF_DATA_VALUE({
      path,
      array,
      problem: shape.length === 0 ? `is ${what}` : `has ${what} at row ${row}`,
    });
  }
}

/** Throws MF_DATA_VALUE unless the shape is as expected; null stands for any size. */
export function checkShape(
  path: string,
  array: string,
  { shape }: Pick<HostTensor, "shape">,
  expected: readonly (number | null)[],
): void {
  const fits = shape.length === expected.length && expected.every((size, i) => size === null || size === shape[i]);
  if (fits) return;
  const wanted = expected.map((size) => size ?? "*").join(", ");
  throw errors.MF_DATA_VALUE({ path, array, problem: `has shape [${shape.join(", ")}], not [${wanted}]` });
}
