import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errors } from "../../../../core/errors.ts";
import { type Chain, serialChain } from "./chain.ts";
import { parseUrdf, type RobotDescription } from "./urdf.ts";

/** The robots that come with MotionForge, and the link each is solved for. */
const BUILT_IN: Readonly<Record<string, { readonly tip: string }>> = {
  panda: { tip: "panda_hand" },
  ur10: { tip: "tool0" },
  ur10e: { tip: "tool0" },
};

/** The names that `loadRobot` knows. */
export const robotNames: readonly string[] = Object.keys(BUILT_IN);

/** Reads a built-in robot by name, or any robot by the path of its URDF file, and picks its chain. */
export function loadRobot(
  nameOrPath: string,
  ends: { base?: string; tip?: string } = {},
): { description: RobotDescription; chain: Chain } {
  const builtIn = Object.hasOwn(BUILT_IN, nameOrPath) ? BUILT_IN[nameOrPath] : undefined;
  if (builtIn === undefined && !/[/\\]|\.(urdf|xacro|xml)$/i.test(nameOrPath)) {
    throw errors.MF_UNKNOWN({ kind: "robot", name: nameOrPath, known: [...robotNames, "<path>.urdf"] });
  }
  const path = builtIn ? fileURLToPath(new URL(`../robots/${nameOrPath}.urdf`, import.meta.url)) : nameOrPath;
  const description = parseUrdf(readText(path), path);
  return { description, chain: serialChain(description, { ...builtIn, ...ends }) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") {
      throw errors.MF_FILE_MISSING({ path, what: "Robot file" }, { cause });
    }
    throw errors.MF_FILE_UNREADABLE({ path, problem: (cause as Error).message }, { cause });
  }
}
