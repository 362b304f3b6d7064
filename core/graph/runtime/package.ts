import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { reasonOf } from "./errors.ts";

/** The onnxruntime-node package as it lies on the disk. */
export interface RuntimePackage {
  readonly version: string;
  /** The shared library with ONNX Runtime itself, which exports its C API. */
  readonly library: string;
}

const LIBRARY: Partial<Record<NodeJS.Platform, RegExp>> = {
  linux: /^libonnxruntime\.so\.1$/,
  darwin: /^libonnxruntime\.1\.dylib$/,
  win32: /^onnxruntime\.dll$/,
};

/** Finds the package without loading it; throws a plain `Error` whose message says what is missing. */
export function findPackage(): RuntimePackage {
  const manifest = resolveManifest();
  const bin = join(dirname(manifest), "bin");
  const pattern = LIBRARY[process.platform];
  for (const napi of existsSync(bin) ? readdirSync(bin) : []) {
    const folder = join(bin, napi, process.platform, process.arch);
    const library = existsSync(folder) && readdirSync(folder).find((file) => pattern?.test(file));
    if (library) return { version: JSON.parse(readFileSync(manifest, "utf8")).version, library: join(folder, library) };
  }
  throw new Error(`the package onnxruntime-node has no library for ${process.platform} ${process.arch}`);
}

function resolveManifest(): string {
  try {
    return createRequire(import.meta.url).resolve("onnxruntime-node/package.json");
  } catch (cause) {
    throw new Error("the package onnxruntime-node is not installed", { cause });
  }
}

/** Whether ONNX Runtime can be used. "No" costs a look at the disk; "yes" has loaded the library. */
export async function runtimeAvailable(): Promise<
  { readonly ok: true; readonly version: string } | { readonly ok: false; readonly reason: string }
> {
  try {
    const { version } = findPackage();
    await import("onnxruntime-node");
    return { ok: true, version };
  } catch (error) {
    return { ok: false, reason: reasonOf(error) };
  }
}
