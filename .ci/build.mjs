// Builds the published package: plain tsc, the page of reports as one script, and the robot files beside the code that reads them.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
rmSync(join(root, "dist"), { recursive: true, force: true });
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
const robots = "plugins/tasks/ik/robots";
mkdirSync(join(root, "dist", robots), { recursive: true });
for (const file of readdirSync(join(root, robots))) cpSync(join(root, robots, file), join(root, "dist", robots, file));

const { bundleSource } = await import("../dist/cli/report/bundle.js");
const { script, style } = await bundleSource(join(root, "cli/page/"));
mkdirSync(join(root, "dist/cli/page"), { recursive: true });
writeFileSync(join(root, "dist/cli/page/main.js"), script);
writeFileSync(join(root, "dist/cli/page/style.css"), style);
