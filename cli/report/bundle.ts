import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** The page's script and style, each one text. */
export interface Bundle {
  readonly script: string;
  readonly style: string;
}

/** In a checkout the page is bundled from its source; the package has it beside this file, made by its build. */
export async function pageBundle(): Promise<Bundle> {
  const source = new URL("../page/main.ts", import.meta.url);
  if (existsSync(source)) return bundleSource(fileURLToPath(new URL(".", source)));
  const [script, style] = await Promise.all(
    ["main.js", "style.css"].map((file) => readFile(new URL(`../page/${file}`, import.meta.url), "utf8")),
  );
  return { script: script!, style: style! };
}

/** Bundles a folder of the page's source with the libraries it uses. */
export async function bundleSource(folder: string): Promise<Bundle> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [`${folder}main.ts`, `${folder}style.css`],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    outdir: folder,
    write: false,
    logLevel: "silent",
  });
  const textOf = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))!.text;
  return { script: textOf("main.js"), style: textOf("style.css") };
}
