import { access, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { formatWithOptions } from "node:util";
import { afterAll, describe, expect, test, vi } from "vitest";
import { fieldsOf } from "../../core/config/fields.ts";
import { readFlags } from "../../core/config/overrides.ts";
import type { Registry } from "../../core/config/registry.ts";
import { resolveConfig } from "../../core/config/resolve.ts";
import { useBackend } from "../../core/engine/backend.ts";
import { optimizers } from "../../core/optimizer/index.ts";
import { converters, generators, inspectors, plugins } from "../../plugins/index.ts";
import { presets } from "../../presets/index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const entries: Readonly<Record<string, string>> = {
  motionforge: "core/index.ts",
  "motionforge/plugins": "plugins/index.ts",
  "motionforge/presets": "presets/index.ts",
  "motionforge/testing": "core/testing/index.ts",
};

interface Block {
  /** Its first line may name its file, for the blocks that import it. */
  readonly file: string;
  readonly code: string;
}

/** The ```ts blocks of a page; those marked `ignore` are for reading only. */
const blocksOf = (text: string): Block[] =>
  [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""], i) => ({
    file: /^\/\/ (\S+\.ts)\n/.exec(code)?.[1] ?? `example-${i + 1}.ts`,
    code,
  }));

const withRealImports = (code: string): string =>
  code.replace(/from "(motionforge[^"]*)"/g, (_, name: string) => {
    const entry = entries[name];
    if (entry === undefined) throw new Error(`An example imports "${name}", which the package does not export.`);
    return `from ${JSON.stringify(pathToFileURL(join(root, entry)).href)}`;
  });

const filesBelow = async (folder: string, ending: string): Promise<string[]> =>
  (await readdir(join(root, folder), { recursive: true }))
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name).split(sep).join("/"))
    .sort();

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** Writes a page's blocks side by side, where packages resolve as in the repository. */
async function write(blocks: readonly Block[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "mf-docs-"));
  folders.push(folder);
  await symlink(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  for (const { file, code } of blocks) await writeFile(join(folder, file), withRealImports(code));
  return blocks.map(({ file }) => join(folder, file));
}

/** What `console.log` lines promise to print, in their closing comments. */
const promisedOutput = (code: string): string[] =>
  [...code.matchAll(/^console\.log\(.*\); \/\/ (.+)$/gm)].map(([, text = ""]) => text);

const registry: Registry = {
  plugins,
  optimizers: optimizers as unknown as Registry["optimizers"],
  presets,
  generators,
  converters,
  inspectors,
};

const pluginPages = await filesBelow("plugins", "README.md");
const pages = ["docs/plugin-guide.md", "docs/autodiff.md", "docs/data.md", "README.md", ...pluginPages];

await useBackend("cpu");

for (const page of pages) {
  const blocks = blocksOf(await readFile(join(root, page), "utf8").catch(() => ""));
  const files = await write(blocks);
  describe.skipIf(blocks.length === 0)(`the examples of ${page}`, () => {
    for (const [i, { file, code }] of blocks.entries()) {
      const url = pathToFileURL(files[i]!).href;
      if (code.includes('from "vitest"')) {
        // Its describe and test calls register here: the page's own tests are run as they stand.
        describe(file, async () => void (await import(url)));
        continue;
      }
      test(`${file} runs, prints what it says, and makes a run when it is a configuration`, async () => {
        const printed: string[] = [];
        const log = vi.spyOn(console, "log").mockImplementation((...values) => {
          printed.push(formatWithOptions({ breakLength: Number.POSITIVE_INFINITY }, ...values));
        });
        const { default: config } = await import(url).finally(() => log.mockRestore());
        expect(printed).toEqual(promisedOutput(code));
        if (config === undefined) return;
        const loaded = { name: file, path: file, asked: true, config, locate: () => file };
        expect(resolveConfig({ registry, file: loaded }).plugins.some((p) => p.provides === "task")).toBe(true);
      });
    }
  });
}

describe.each(["README.md", "ARCHITECTURE.md", ...(await filesBelow("docs", ".md")), ...pluginPages])("%s", (page) => {
  test("links to files that exist", async () => {
    const text = await readFile(join(root, page), "utf8");
    const targets = [...text.matchAll(/\]\((?!\w+:|#)([^)#]+)[^)]*\)/g)].map(([, target = ""]) => target);
    const missing: string[] = [];
    for (const target of targets) {
      await access(join(root, dirname(page), target)).catch(() => missing.push(target));
    }
    expect(missing).toEqual([]);
  });
});

/** Words of a command line; double quotes hold one together. */
const wordsOf = (line: string): string[] => [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? "");

describe.each(pluginPages)("the command lines of %s", (page) => {
  test("are understood", async () => {
    const text = await readFile(join(root, page), "utf8");
    const [line] = /^On the command line: .*$/m.exec(text) ?? [""];
    const commands = [...line.matchAll(/`(?:mf train )?([^`]+)`/g)].map(([, words = ""]) => wordsOf(words));
    expect(commands).not.toEqual([]);
    for (const words of commands) {
      const { positional, settings } = readFlags(words, registry);
      const preset = positional[0] ?? "panda-meanflow";
      expect(() => resolveConfig({ registry, preset, flags: settings })).not.toThrow();
    }
  });
});

describe("plugins", () => {
  test.each(plugins.map((p) => [p.pluginName, p] as const))(
    "%s has a page that names all its options",
    async (name, p) => {
      const page = pluginPages.find((path) => path.endsWith(`/${name}/README.md`));
      expect(page, `no plugins/**/${name}/README.md`).toBeDefined();
      const text = await readFile(join(root, page!), "utf8");
      const leaves = fieldsOf(p.schema).filter(({ schema }) => fieldsOf(schema).length === 0);
      const named = new Set([...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, option]) => option));
      expect(leaves.map(({ path }) => path.join(".")).filter((option) => !named.has(option))).toEqual([]);
    },
  );

  test.each(plugins.map((p) => [p.pluginName, p] as const))(
    "the defaults on the page of %s are those of its schema",
    async (name, p) => {
      const text = await readFile(join(root, pluginPages.find((path) => path.endsWith(`/${name}/README.md`))!), "utf8");
      const rows = [...text.matchAll(/^\| `([^`]+)` \| `([^`]+)` \|/gm)].map(([, option, value]) => [option!, value!]);
      const defaults: unknown = p().options;
      for (const [option, value] of rows) {
        // Options below one that is null by default have no value of their own there.
        const at = option!
          .split(".")
          .reduce<unknown>((o, key) => (o as Record<string, unknown> | null)?.[key], defaults);
        if (at !== undefined) expect([option, JSON.parse(value!)]).toEqual([option, at]);
      }
    },
  );
});

describe("the import rule", () => {
  /** Relative imports of the files of a folder, as paths from the root. */
  const importsBelow = async (folder: string): Promise<{ file: string; target: string }[]> => {
    const files = await filesBelow(folder, ".ts");
    const found = files.map(async (file) => {
      const text = await readFile(join(root, file), "utf8");
      const named = [...text.matchAll(/^(?:import|export|\} from)\b[^;]*?"(\.[^"]+)"|\bimport\("(\.[^"]+)"\)/gms)];
      return named.map(([, a, b]) => ({
        file,
        target: relative(root, join(root, dirname(file), (a ?? b)!))
          .split(sep)
          .join("/"),
      }));
    });
    return (await Promise.all(found)).flat();
  };
  const sectionOf = (path: string): string => path.split("/")[0]!;
  const allowed: Readonly<Record<string, readonly string[]>> = {
    core: ["core"],
    plugins: ["core", "plugins"],
    presets: ["core", "plugins", "presets"],
  };

  test.each(Object.keys(allowed))("%s imports only what it may", async (section) => {
    const imports = await importsBelow(section);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.filter(({ target }) => !allowed[section]!.includes(sectionOf(target)))).toEqual([]);
  });

  test("a plugin reaches another's folder only through its index.ts", async () => {
    const folders = pluginPages.map(dirname);
    const homeOf = (path: string): string | undefined => folders.find((folder) => path.startsWith(`${folder}/`));
    const all = [...(await importsBelow("plugins")), ...(await importsBelow("presets"))];
    // plugins/index.ts lists what folders offer beside their plugin, such as data generators.
    const inside = all.filter(({ file }) => file !== "plugins/index.ts");
    const crossing = inside.filter(({ file, target }) => {
      const home = homeOf(target);
      return home !== undefined && home !== homeOf(file) && target !== `${home}/index.ts`;
    });
    expect(crossing).toEqual([]);
  });
});
