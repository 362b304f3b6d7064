import { fileURLToPath } from "node:url";

/** The module `name` beside `from` for a worker thread: .ts in the repository, .js in the package. */
export function workerEntry(name: string, from: string): { readonly file: string; readonly typescript: boolean } {
  const typescript = isTypescript(from);
  return { file: fileURLToPath(new URL(`./${name}.${typescript ? "ts" : "js"}`, from)), typescript };
}

export const isTypescript = (module: string): boolean => /\.[cm]?tsx?$/.test(new URL(module).pathname);

/** `execArgv` of a thread that imports TypeScript; `--import tsx` alone registers in the main thread only. */
export function typescriptArguments(): string[] {
  const api = import.meta.resolve("tsx/esm/api");
  const code = `import { register } from ${JSON.stringify(api)}; register();`;
  return ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
}
