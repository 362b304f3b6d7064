#!/usr/bin/env node
import { existsSync } from "node:fs";
import { register } from "tsx/esm/api";

// Once, and without a namespace: the command and a user's mf.config.ts then share one copy of every module.
register();
const source = new URL("./main.ts", import.meta.url);
const { main } = await import((existsSync(source) ? source : new URL("../dist/cli/main.js", import.meta.url)).href);
const code = await main(process.argv.slice(2));
// Leaves only when a pipe has taken everything; handles of libraries do not keep the process.
process.stdout.write("", () => process.exit(code));
