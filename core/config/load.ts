import { readFile } from "node:fs/promises";
import { basename, extname, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { cosmiconfig, type Loader } from "cosmiconfig";
import JSON5 from "json5";
import { LineCounter, parseDocument } from "yaml";
import { errors, isMfError } from "../errors.ts";
import type { Config } from "./define.ts";
import { keyPositions } from "./json-positions.ts";
import { isPlainObject } from "./plain.ts";

/** A configuration file, read. It holds either `config` (TypeScript, JavaScript) or `document` (YAML, JSON). */
export interface LoadedConfig {
  /** As messages name it: relative to the working directory where that is shorter. */
  readonly name: string;
  readonly path: string;
  /** Named by the user, not found. */
  readonly asked: boolean;
  readonly config?: Config;
  readonly document?: unknown;
  /** Where a key is: `mf.config.yaml:3:7`; the file's name where that is unknown. */
  locate(path: readonly string[]): string;
}

type Contents = Pick<LoadedConfig, "config" | "document" | "locate">;

const endings = [".ts", ".mts", ".js", ".mjs", ".yaml", ".yml", ".json", ".json5"];

/**
 * Reads the configuration file: the one at `path`, else an `mf.config.*` in `directory` itself, else none. TypeScript is
 * imported as it is, so the program must have registered a loader for it (the `mf` command has).
 * Throws MF_FILE_MISSING, MF_FILE_FORMAT and, with file and line, MF_CONFIG.
 */
export async function loadConfigFile(directory: string, path?: string): Promise<LoadedConfig | undefined> {
  const read = (file: string, load: (name: string) => Promise<Contents>) => load(shortName(directory, file));
  const code: Loader = (file) => read(file, (name) => loadModule(file, name));
  const yaml: Loader = (file, text) => read(file, async (name) => loadYaml(text, name));
  const json: Loader = (file, text) => read(file, async (name) => loadJson(text, name));
  const loaders = Object.fromEntries(
    endings.map((e) => [e, /[tj]s$/.test(e) ? code : e.startsWith(".y") ? yaml : json]),
  );
  const explorer = cosmiconfig("mf", {
    searchPlaces: endings.map((ending) => `mf.config${ending}`),
    searchStrategy: "none",
    cache: false,
    loaders,
  });
  if (path === undefined) {
    const found = await explorer.search(directory);
    return found === null ? undefined : loaded(directory, found.filepath, false, found.config as Contents | undefined);
  }
  const file = resolve(directory, path);
  if (!endings.includes(extname(file))) {
    throw errors.MF_FILE_FORMAT({ path, problem: `a configuration's name ends in ${endings.join(", ")}` });
  }
  await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw errors.MF_FILE_MISSING({ what: "Configuration file", path });
    throw errors.MF_FILE_UNREADABLE({ path, problem: cause.code ?? cause.message }, { cause });
  });
  const result = await explorer.load(file);
  return loaded(directory, file, true, result?.config as Contents | undefined);
}

function loaded(directory: string, path: string, asked: boolean, contents: Contents | undefined): LoadedConfig {
  const name = shortName(directory, path);
  // cosmiconfig does not call a loader for an empty file.
  return { name, path, asked, ...(contents ?? { document: {}, locate: () => name }) };
}

function shortName(directory: string, path: string): string {
  const near = relative(directory, path);
  return near.startsWith("..") ? path : near;
}

async function loadModule(path: string, name: string): Promise<Contents> {
  const locate = () => name;
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
    if (typeof exported === "function") exported = await (exported as () => unknown)();
  } catch (cause) {
    throw errors.MF_CONFIG({ where: thrownAt(cause, path, name), problems: [messageOf(cause)] }, { cause });
  }
  if (!isPlainObject(exported)) {
    const problem = "must export a configuration: export default defineConfig({ … })";
    throw errors.MF_CONFIG({ where: name, problems: [problem] });
  }
  return { config: exported as Config, locate };
}

/** The line of the config that the error came from, read off its stack. */
function thrownAt(cause: unknown, path: string, name: string): string {
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const escaped = basename(path).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const [, line, column] = new RegExp(`${escaped}(?:\\?[^:)\\s]*)?:(\\d+):(\\d+)`).exec(stack) ?? [];
  return line === undefined ? name : `${name}:${line}:${column}`;
}

function messageOf(cause: unknown): string {
  if (isMfError(cause)) return cause.message.replace(/ \[MF_\w+\]$/, "");
  const message = cause instanceof Error ? cause.message : String(cause);
  // Of the compiler's several lines, the one that says what is wrong.
  return /: ERROR: (.*)/.exec(message)?.[1] ?? message;
}

function loadYaml(text: string, name: string): Contents {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const [problem] = document.errors;
  if (problem !== undefined) throw errors.MF_CONFIG({ where: at(problem.pos[0]), problems: [problem.message] });
  return {
    document: document.toJS() ?? {},
    locate(path) {
      // Of a missing key, the place of the nearest section around it.
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        const range = (node as { range?: readonly [number, number, number] } | undefined)?.range;
        if (range) return at(range[0]);
      }
      return name;
    },
  };
}

function loadJson(text: string, name: string): Contents {
  let document: unknown;
  try {
    document = JSON5.parse(text);
  } catch (cause) {
    const { lineNumber, columnNumber, message } = cause as Error & { lineNumber?: number; columnNumber?: number };
    const where = lineNumber === undefined ? name : `${name}:${lineNumber}:${columnNumber}`;
    throw errors.MF_CONFIG({ where, problems: [message.replace(/^JSON5: | at \d+:\d+$/g, "")] }, { cause });
  }
  const positions = keyPositions(text);
  return {
    document,
    locate(path) {
      for (let length = path.length; length > 0; length--) {
        const found = positions.get(JSON.stringify(path.slice(0, length)));
        if (found !== undefined) return `${name}:${found.line}:${found.column}`;
      }
      return name;
    },
  };
}
