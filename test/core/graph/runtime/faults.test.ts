import { spawnSync } from "node:child_process";
import Module from "node:module";
import { fileURLToPath } from "node:url";
import { listSupportedBackends } from "onnxruntime-node";
import { afterEach, expect, test, vi } from "vitest";
import { runtimeAvailable } from "../../../../core/graph/runtime/package.ts";
import { openRuntime } from "../../../../core/graph/runtime/runtime.ts";
import { foreign, gradient, impossible, mixed, normals, placed } from "./models.ts";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

afterEach(() => {
  vi.restoreAllMocks();
  vi.doUnmock("koffi");
  vi.resetModules();
});

for (const api of ["node", "c"] as const) {
  const runtime = await openRuntime({ api });

  test.each([
    ["no bytes", new Uint8Array(0), "null"],
    ["a text file", new TextEncoder().encode("hello, this is not a model\n"), "protobuf"],
    ["half a model", mixed().subarray(0, 200), "protobuf"],
    ["a model with an unknown operator", foreign(), "Ngg"],
  ])(`${api}: %s is refused by name`, async (_, bytes, reason) => {
    await expect(runtime.createSession(bytes, "model.onnx")).rejects.toMatchObject({
      code: "MF_MODEL_REFUSED",
      fault: "user",
      message: expect.stringMatching(new RegExp(`model\\.onnx: .*${reason}`)),
    });
  });

  test(`${api}: a model with any byte changed is refused or runs, and the process lives`, async () => {
    const good = gradient(2, 3);
    const feeds = { x: normals("x", [2, 3]), w: normals("w", [3, 3]) };
    const codes = new Set<string>();
    for (let at = 0; at < good.length; at += 3) {
      const bytes = good.slice();
      bytes[at]! ^= 0x5a;
      try {
        const session = await runtime.createSession(bytes, "the model");
        try {
          await session.run(feeds);
        } finally {
          session.release();
        }
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    }
    expect(codes).toContain("MF_MODEL_REFUSED");
    expect(["MF_MODEL_REFUSED", "MF_GRAPH_RUN", "MF_GRAPH_MEMORY"]).toEqual(expect.arrayContaining([...codes]));
  });

  test(`${api}: inputs of another name, number, shape or type are refused by name`, async () => {
    const session = await runtime.createSession(gradient(2, 3), "the model");
    const [x, w] = [normals("x", [2, 3]), normals("w", [3, 3])];
    const whole = { dtype: "int32", shape: [2, 3], data: new Int32Array(6) } as const;
    for (const [feeds, reason] of [
      [{ x }, 'its input "w" is not given'],
      [{ x, w, z: x }, 'it has no input "z"'],
      [{ x: { ...x, shape: [7, 3] }, w }, 'its input "x" has 6 values for [7,3]'],
      [{ x: normals("x", [2, 4]), w }, "input: x"],
      [{ x: normals("x", [6]), w }, "rank"],
      [{ x: whole, w }, "tensor(int32)"],
    ] as const)
      await expect(session.run(feeds)).rejects.toMatchObject({
        code: "MF_GRAPH_RUN",
        message: expect.stringContaining(reason),
      });
    session.release();
  });

  test(`${api}: a binding must name the model's tensors, lie in the heap, and fit`, async () => {
    const session = await runtime.createSession(gradient(2, 3), "the model");
    const heap = { buffer: new ArrayBuffer(4096) };
    const from = placed({ x: { shape: [2, 3] }, w: { shape: [3, 3] } });
    const to = { dtype: "float32", shape: [3, 3], address: 1024 } as const;
    for (const [inputs, outputs, reason] of [
      [{ x: from.x }, {}, 'its input "w" is not given'],
      [{ ...from, z: from.x }, {}, 'it has no input "z"'],
      [from, { z: to }, 'it has no output "z"'],
      [from, { dw: { ...to, address: 4096 - 32 } }, '"dw" (float32 [3,3] at 4064) is not in the heap of 4096 bytes'],
      [{ ...from, x: { ...from.x, address: -4 } }, {}, "is not in the heap"],
      [{ ...from, x: { ...from.x, address: 2 } }, {}, "is not in the heap"],
    ] as const)
      expect(() => session.bind(heap, inputs, outputs)).toThrow(
        expect.objectContaining({ code: "MF_GRAPH_RUN", message: expect.stringContaining(reason) }),
      );
    for (const [inputs, outputs] of [
      [{ ...from, x: { ...from.x, shape: [3, 2] } }, { dw: to }],
      [{ ...from, x: { ...from.x, dtype: "int32" } }, { dw: to }],
      [from, { dw: { ...to, shape: [9] } }],
      [from, { dw: { ...to, dtype: "int32" } }],
    ] as const) {
      const bound = session.bind(heap, inputs, outputs);
      await expect(bound.run()).rejects.toMatchObject({ code: "MF_GRAPH_RUN" });
      bound.release();
    }
    const bound = session.bind(heap, from, { dw: to });
    await bound.run();
    bound.release();
    session.release();
  });

  test(`${api}: memory that cannot be had is an error, and the next run works`, async () => {
    const session = await runtime.createSession(impossible(), "the step");
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(session.run({ x: normals("x", [1, 1]) })).rejects.toMatchObject({
        code: "MF_GRAPH_MEMORY",
        message: expect.stringMatching(/^Memory ran out in the step: .*1125899906842624.* smaller batch size/),
      });
    session.release();
    const next = await runtime.createSession(gradient(2, 3), "the model");
    expect((await next.run({ x: normals("x", [2, 3]), w: normals("w", [3, 3]) }))["loss"]!.shape).toEqual([]);
    next.release();
  });
}

test("without onnxruntime-node, the error says how to install it", async () => {
  const resolver = Module as unknown as { _resolveFilename(request: string, ...rest: unknown[]): string };
  const resolve = resolver._resolveFilename;
  vi.spyOn(resolver, "_resolveFilename").mockImplementation((request, ...rest) => {
    if (request.startsWith("onnxruntime-node")) throw new Error(`Cannot find module '${request}'`);
    return resolve(request, ...rest);
  });
  expect(await runtimeAvailable()).toEqual({ ok: false, reason: "the package onnxruntime-node is not installed" });
  await expect(openRuntime({ api: "node" })).rejects.toMatchObject({
    code: "MF_RUNTIME_MISSING",
    fault: "user",
    message: expect.stringContaining("ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node"),
  });
});

test("without koffi, the package's own interface is used, and the C API refused by name", async () => {
  vi.doMock("koffi", () => {
    throw new Error("Cannot find package 'koffi'");
  });
  vi.resetModules();
  const fresh = await import("../../../../core/graph/runtime/runtime.ts");
  expect(await fresh.openRuntime()).toMatchObject({ api: "node", device: "cpu" });
  await expect(fresh.openRuntime({ api: "c" })).rejects.toMatchObject({
    code: "MF_RUNTIME_API",
    message: expect.stringContaining("Install koffi"),
  });
});

const cuda = listSupportedBackends().some(({ name, bundled }) => name === "cuda" && bundled);
test.skipIf(cuda)(`cuda without its libraries is refused${cuda ? " (skipped: they are here)" : ""}`, async () => {
  await expect(openRuntime({ device: "cuda" })).rejects.toMatchObject({
    code: "MF_DEVICE_MISSING",
    message: expect.stringMatching(/^Device "cuda" is not usable here: .*--onnxruntime-node-install=cuda12/),
  });
});

const linux = process.platform === "linux";
test.skipIf(!linux)(`webgpu without a driver is refused${linux ? "" : " (skipped: Vulkan is Linux's way)"}`, () => {
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      "--import=tsx",
      "--input-type=module",
      "--eval",
      `import { openRuntime } from "./core/graph/runtime/runtime.ts";
       await openRuntime({ device: "webgpu" }).catch((error) => console.log(error.message));`,
    ],
    { cwd: root, encoding: "utf8", env: { ...process.env, VK_ICD_FILENAMES: "/nowhere", VK_DRIVER_FILES: "/nowhere" } },
  );
  expect(stdout).toMatch(/^Device "webgpu" is not usable here: .*adapter.* Without one use --device cpu\. \[MF_DEVICE/);
  expect(status).toBe(0);
});
