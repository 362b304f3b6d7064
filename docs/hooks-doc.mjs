// Writes docs/hooks.md from core/hooks.ts; with --check it only says, by its exit code, whether the page is up to date.
import { readFileSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const hooks = readFileSync(new URL("core/hooks.ts", root), "utf8");
const trainer = readFileSync(new URL("core/trainer.ts", root), "utf8");
const page = new URL("docs/hooks.md", root);

const kinds = [
  [
    "transform",
    /^(before|after)/,
    "Inside the training step: synchronous and pure, tensors in, tensors out. Must return.",
  ],
  ["observer", /^on/, "On the host, between steps: returns nothing."],
  ["exchange", /./, "On the host, between the two halves of a step: returns a value."],
];
const kindOf = (name) => kinds.find(([, prefix]) => prefix.test(name))[0];
const waits = (tapable) => (tapable.startsWith("Async") ? "yes" : "no");

const found = [...hooks.matchAll(/\/\*\* (.*?) \*\/\s+(\w+): new (\w+)<\[[^\]]*\]>\((\[[^\]]*\])/g)].map(
  ([, text, name, tapable, args]) => ({ text, name, tapable, args: JSON.parse(args) }),
);
const stages = [...hooks.matchAll(/export const (\w+Stage) = \{ (.*?) \}/g)];
const loop = /\/\*\*\n \* The training loop:\n \*\n([\s\S]*?)\n \*\n/.exec(trainer)[1].replaceAll(/^ \* {0,5}/gm, "");

const sections = kinds.map(([kind, , meaning]) => {
  const rows = found
    .filter((hook) => kindOf(hook.name) === kind)
    .map(({ name, args, tapable, text }) => `| \`${name}\` | \`${args.join(", ")}\` | ${waits(tapable)} | ${text} |`);
  return [
    `## Kind: ${kind}`,
    "",
    meaning,
    "",
    "| Hook | Arguments | May wait | When |",
    "|---|---|---|---|",
    ...rows,
    "",
  ];
});
const text = [
  "# Hooks",
  "",
  "Made from `core/hooks.ts` by `node docs/hooks-doc.mjs`; change that file, not this one.",
  "A hook's prefix is its contract. A tap carries its plugin's name, and is made while the plugin is set up.",
  "",
  ...sections.flat(),
  "## Stages",
  "",
  "Taps of one hook run by stage, lower first; without one a tap is at 0. Among equals the plugins' order counts.",
  "",
  ...stages.map(([, name, values]) => `- \`${name}\`: ${values}`),
  "",
  "## The loop",
  "",
  "```",
  loop,
  "```",
  "",
].join("\n");

if (found.length !== (hooks.match(/new \w+Hook</g) ?? []).length) {
  throw new Error("A hook of core/hooks.ts has no one-line description above it.");
}
if (!process.argv.includes("--check")) writeFileSync(page, text);
else if (readFileSync(page, "utf8") !== text) {
  console.error("docs/hooks.md is stale. Run: node docs/hooks-doc.mjs");
  process.exitCode = 1;
}
