// Builds the published package: plain tsc, and the robot files beside the code that reads them.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
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
