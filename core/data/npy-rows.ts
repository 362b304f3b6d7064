import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { errors } from "../errors.ts";
import { readAt, readError } from "./bytes.ts";
import { toFloat32 } from "./convert.ts";
import { elementBytes, elementCount, storageFromBytes } from "./elements.ts";
import { checkFinite } from "./files.ts";
import type { HostBatch, HostTensor } from "./host-tensor.ts";
import { NPY_HEADER_LIMIT, type NpyHeader, parseNpyHeader } from "./npy.ts";
import type { RowSource } from "./windowed.ts";

interface Part {
  readonly path: string;
  readonly file: FileHandle;
  readonly header: NpyHeader;
  readonly firstRow: number;
  readonly rows: number;
}

/**
 * The rows of an NPY file, or of a folder of them, without loading them: only the headers and the rows asked for are read.
 * In a folder every file is an array named after it; files that end in a number (`pose-0.npy`, `pose-1.npy`) follow one
 * another as one array. int32 stays int32, every other type becomes float32. Throws MF_FILE_MISSING, MF_FILE_UNREADABLE,
 * MF_FILE_FORMAT (column-major files, and those of another size than their header says), MF_DATA_VALUE (arrays of unequal
 * length; on reading, a row that is not finite).
 */
export async function npyRows(path: string): Promise<RowSource> {
  const arrays = new Map<string, Part[]>();
  const close = async (): Promise<void> => {
    for (const { file } of [...arrays.values()].flat()) await file.close();
  };
  try {
    for (const [name, paths] of await filesByArray(path)) {
      const parts: Part[] = [];
      arrays.set(name, parts);
      for (const part of paths) parts.push(await openPart(part, name, parts));
    }
    const rows = commonLength(path, arrays);
    return {
      rows,
      async read(start, count) {
        const batch: Record<string, HostBatch[string]> = {};
        for (const [name, parts] of arrays) batch[name] = await readRows(name, parts, start, count);
        return batch;
      },
      close,
    };
  } catch (cause) {
    await close();
    throw readError(path, "Data file", cause);
  }
}

async function filesByArray(path: string): Promise<Map<string, string[]>> {
  if (!(await stat(path)).isDirectory()) return new Map([[basename(path, ".npy"), [path]]]);
  const numbered: { name: string; number: number; path: string }[] = [];
  for (const file of await readdir(path)) {
    if (!file.endsWith(".npy") || file.startsWith(".")) continue;
    const [, name = "", number] = /^(.+?)(?:-(\d+))?\.npy$/.exec(file) ?? [];
    numbered.push({ name, number: number === undefined ? -1 : Number(number), path: join(path, file) });
  }
  if (numbered.length === 0) throw errors.MF_FILE_FORMAT({ path, problem: "the folder holds no .npy file" });
  numbered.sort((a, b) => (a.name === b.name ? a.number - b.number : a.name < b.name ? -1 : 1));
  const arrays = new Map<string, string[]>();
  for (const { name, path: file } of numbered) arrays.set(name, [...(arrays.get(name) ?? []), file]);
  return arrays;
}

async function openPart(path: string, array: string, before: readonly Part[]): Promise<Part> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const head = new Uint8Array(Math.min(size, NPY_HEADER_LIMIT));
    await readAt(file, head, 0);
    const header = parseNpyHeader(head, path);
    const { shape, dtype, offset } = header;
    const fail = (problem: string) => errors.MF_FILE_FORMAT({ path, problem });
    if (shape.length === 0) throw fail("it holds a single number, not rows");
    if (header.fortran && shape.length > 1) {
      throw fail("it is column-major, so its rows are scattered; save it with numpy.ascontiguousarray");
    }
    const expected = offset + elementCount(shape) * elementBytes[dtype];
    if (size !== expected) throw fail(`its header promises ${expected} bytes and the file has ${size}`);
    const first = before[0];
    if (
      first !== undefined &&
      (first.header.dtype !== dtype || `${first.header.shape.slice(1)}` !== `${shape.slice(1)}`)
    ) {
      throw fail(`its rows are ${dtype} [${shape.slice(1)}], but those of "${first.path}" are not`);
    }
    const last = before.at(-1);
    return { path, file, header, firstRow: last === undefined ? 0 : last.firstRow + last.rows, rows: shape[0]! };
  } catch (cause) {
    await file.close();
    throw readError(path, `The file of array "${array}"`, cause);
  }
}

function commonLength(path: string, arrays: ReadonlyMap<string, readonly Part[]>): number {
  let first: { name: string; rows: number } | undefined;
  for (const [name, parts] of arrays) {
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    first ??= { name, rows };
    if (rows !== first.rows) {
      const problem = `has ${rows} rows where "${first.name}" has ${first.rows}`;
      throw errors.MF_DATA_VALUE({ path, array: name, problem });
    }
  }
  return first?.rows ?? 0;
}

async function readRows(
  name: string,
  parts: readonly Part[],
  start: number,
  count: number,
): Promise<HostBatch[string]> {
  const { dtype, bigEndian, shape } = parts[0]!.header;
  const rowShape = shape.slice(1);
  const rowBytes = elementCount(rowShape) * elementBytes[dtype];
  const bytes = new Uint8Array(count * rowBytes);
  for (const { path, file, header, firstRow, rows } of parts) {
    const from = Math.max(start, firstRow);
    const to = Math.min(start + count, firstRow + rows);
    if (from >= to) continue;
    const target = bytes.subarray((from - start) * rowBytes, (to - start) * rowBytes);
    const read = await readAt(file, target, header.offset + (from - firstRow) * rowBytes).catch((cause: unknown) => {
      throw readError(path, `The file of array "${name}"`, cause);
    });
    if (read !== target.length) throw errors.MF_FILE_FORMAT({ path, problem: "it became shorter while it was read" });
    if (header.bigEndian !== bigEndian)
      throw errors.MF_FILE_FORMAT({ path, problem: "its byte order differs from its siblings'" });
  }
  const own = [count, ...rowShape];
  const tensor = { dtype, shape: own, data: storageFromBytes(dtype, bytes, bigEndian) } as HostTensor;
  if (tensor.dtype === "int32") return tensor;
  const rows = toFloat32(tensor);
  checkFinite(parts[0]!.path, name, rows, start);
  return rows;
}
