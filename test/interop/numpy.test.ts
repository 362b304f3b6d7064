import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toFloat32 } from "../../core/data/convert.ts";
import { readArrays } from "../../core/data/files.ts";
import type { HostTensor } from "../../core/data/host-tensor.ts";
import { decodeNpy, encodeNpy } from "../../core/data/npy.ts";
import { decodeNpz, encodeNpz, readNpz, writeNpz } from "../../core/data/npz.ts";
import { openNpz } from "../../core/data/npz-head.ts";
import { npzRows } from "../../core/data/npz-rows.ts";
import { encodeSafetensors } from "../../core/data/safetensors.ts";
import { everyType } from "../core/data/arrays.ts";

const python = ["python3", "/usr/bin/python3", "python"].find(
  (candidate) => spawnSync(candidate, ["-c", "import numpy"], { stdio: "ignore" }).status === 0,
);
const title = python === undefined ? "NumPy (skipped: no Python interpreter here has numpy)" : "NumPy";

describe.skipIf(python === undefined)(title, () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "mf-numpy-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs Python with numpy in the folder; returns what it prints. */
  const run = (script: string): string =>
    execFileSync(python!, ["-c", `import numpy as np\n${script}`], { cwd: folder, encoding: "utf8" });

  const numbers = ({ data }: HostTensor): number[] => Array.from(data as ArrayLike<number | bigint>, Number);

  test.each([
    ["np.arange(6, dtype='<f4').reshape(2, 3) / 2", "float32", [2, 3], [0, 0.5, 1, 1.5, 2, 2.5]],
    ["np.asfortranarray(np.arange(6, dtype='<f8').reshape(2, 3))", "float64", [2, 3], [0, 1, 2, 3, 4, 5]],
    [
      "np.asfortranarray(np.arange(24, dtype='<i2').reshape(2, 3, 4))",
      "int16",
      [2, 3, 4],
      Array.from({ length: 24 }, (_, i) => i),
    ],
    ["np.array([1.5, -2.25], dtype='>f4')", "float32", [2], [1.5, -2.25]],
    ["np.array([[258, -2]], dtype='>i8')", "int64", [1, 2], [258, -2]],
    ["np.asfortranarray(np.array([[1, 2], [3, 4]], dtype='>u2'))", "uint16", [2, 2], [1, 2, 3, 4]],
    ["np.array([True, False])", "bool", [2], [1, 0]],
    ["np.array([2**53], dtype=np.uint64)", "uint64", [1], [2 ** 53]],
    ["np.float32(7)", "float32", [], [7]],
    ["np.zeros((0, 3), np.int8)", "int8", [0, 3], []],
    ["np.array([1, -128], dtype=np.int8)", "int8", [2], [1, -128]],
  ])("reads %s", (expression, dtype, shape, values) => {
    run(`np.save("a.npy", ${expression})`);
    return readArrays(join(folder, "a.npy")).then(({ a }) => {
      expect(a).toMatchObject({ dtype, shape });
      expect(numbers(a!)).toEqual(values);
    });
  });

  test("reads float16 as NumPy converts it, for every one of its 65 536 values", async () => {
    run(`h = np.arange(65536, dtype=np.uint16).view(np.float16); np.savez("h.npz", h=h, f=h.astype(np.float32))`);
    const { h, f } = await readNpz(join(folder, "h.npz"));
    expect(h!.dtype).toBe("float16");
    expect(toFloat32(h!)).toEqual(f);
  });

  test("reads savez and savez_compressed alike, and format versions 2 and 3", async () => {
    run(`
a = dict(q=np.linspace(0, 1, 5000, dtype=np.float32).reshape(-1, 5), n=np.arange(9))
np.savez("s.npz", **a); np.savez_compressed("c.npz", **a)
for v in (2, 3):
    with open(f"v{v}.npy", "wb") as f: np.lib.format.write_array(f, a["n"], version=(v, 0))`);
    const stored = await readNpz(join(folder, "s.npz"));
    expect(stored["q"]!.shape).toEqual([1000, 5]);
    expect(stored["n"]!.data).toEqual(BigInt64Array.from({ length: 9 }, (_, i) => BigInt(i)));
    expect(await readNpz(join(folder, "c.npz"))).toEqual(stored);
    for (const v of [2, 3]) {
      expect(decodeNpy(await readFile(join(folder, `v${v}.npy`)), "v")).toEqual(stored["n"]);
    }
  });

  test("rows of savez and savez_compressed files are read without the files, in any byte order", async () => {
    run(`
a = dict(q=np.arange(3000, dtype=">f8").reshape(-1, 3), n=np.arange(1000, dtype=np.int16))
np.savez("rows-s.npz", **a); np.savez_compressed("rows-c.npz", **a)`);
    const files = ["rows-s.npz", "rows-c.npz"].map((name) => openNpz(join(folder, name), { q: [3], n: [] }));
    const source = npzRows(await Promise.all(files));
    expect(source.rows).toBe(2000);
    for (const start of [0, 997, 1500, 1200]) {
      const { q, n } = await source.read(start, 4);
      expect(numbers(n!)).toEqual([0, 1, 2, 3].map((i) => (start + i) % 1000));
      expect(numbers(q!)).toEqual(numbers(n!).flatMap((row) => [3 * row, 3 * row + 1, 3 * row + 2]));
    }
    await source.close?.();
  });

  test.each([
    ["np.array([None, 'x'], dtype=object)", /object/],
    ["np.array(['abc'])", /text/],
    ["np.array([1j])", /complex/],
    ["np.zeros(2, dtype=[('x', 'f4'), ('y', 'i4')])", /structured/],
    ["np.array(['2020-01-01'], dtype='datetime64[D]')", /<M8/],
  ])("refuses %s", (expression, message) => {
    run(`np.savez("bad.npz", x=${expression})`);
    return expect(readNpz(join(folder, "bad.npz"))).rejects.toThrow(message);
  });

  test("a savez file cut anywhere is refused by name", async () => {
    run(`np.savez("whole.npz", q=np.arange(300, dtype=np.float32), n=np.arange(3))`);
    const bytes = await readFile(join(folder, "whole.npz"));
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeNpz(bytes.subarray(0, length), "whole.npz"), `${length}`).toThrow(
        /whole\.npz.*\[MF_FILE_FORMAT\]$/,
      );
    }
  });

  test("is given every element type by our NPY, stored NPZ and compressed NPZ", async () => {
    for (const [name, tensor] of Object.entries(everyType))
      await writeFile(join(folder, `${name}.npy`), encodeNpy(tensor));
    await writeNpz(join(folder, "ours.npz"), everyType);
    await writeNpz(join(folder, "ours-c.npz"), everyType, { compressed: true });
    const expected = Object.entries(everyType).map(([name, { dtype, shape, data }]) => [
      name,
      dtype,
      shape,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex"),
    ]);
    const seen = run(`
import json
s, c = np.load("ours.npz"), np.load("ours-c.npz")
out = []
for n in s.files:
    x = np.load(n + ".npy")
    for y in (s[n], c[n]): assert y.dtype == x.dtype and y.shape == x.shape and y.tobytes() == x.tobytes()
    out.append([n, str(x.dtype), list(x.shape), x.tobytes().hex()])
print(json.dumps(out))`);
    expect(JSON.parse(seen)).toEqual(expected);
    expect(encodeNpz(everyType)).toEqual(new Uint8Array(await readFile(join(folder, "ours.npz"))));
  });

  test("reads our safetensors with struct and json alone", async () => {
    await writeFile(join(folder, "ours.safetensors"), encodeSafetensors(everyType, { preset: "toy" }));
    const seen = run(`
import json, struct
b = open("ours.safetensors", "rb").read()
n, = struct.unpack("<Q", b[:8]); h = json.loads(b[8:8 + n]); d = b[8 + n:]
assert (8 + n) % 64 == 0 and h.pop("__metadata__") == {"preset": "toy"}
types = dict(F16="f2", F32="f4", F64="f8", I8="i1", I16="i2", I32="i4", I64="i8", U8="u1", U16="u2", U32="u4", U64="u8", BOOL="?")
out = {}
for k, t in h.items():
    lo, hi = t["data_offsets"]
    x = np.frombuffer(d[lo:hi], dtype=types[t["dtype"]]).reshape(t["shape"])
    out[k] = [str(x.dtype), list(x.shape), x.tobytes().hex()]
print(json.dumps(out))`);
    const expected = Object.entries(everyType).map(([name, { dtype, shape, data }]) => [
      name,
      [dtype, shape, Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex")],
    ]);
    expect(JSON.parse(seen)).toEqual(Object.fromEntries(expected));
  });
});
