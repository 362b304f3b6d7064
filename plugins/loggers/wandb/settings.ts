import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { wandbErrors } from "./errors.ts";

export type Mode = "online" | "offline" | "disabled";

/** What names a run on W&B: an option where it is set, else W&B's variable, as in W&B's own `init`. */
export interface Named {
  readonly mode: Mode | null;
  readonly id: string | null;
  readonly project: string | null;
  readonly entity: string | null;
  readonly name: string | null;
  readonly group: string | null;
  readonly tags: readonly string[] | null;
  readonly notes: string | null;
}

export interface Settings {
  readonly mode: Mode;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  /** Null for a random one. */
  readonly id: string | null;
  readonly project: string;
  readonly entity: string | null;
  readonly name: string;
  readonly group: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const MODES: readonly string[] = ["online", "offline", "disabled"] satisfies Mode[];
const DEFAULT_URL = "https://api.wandb.ai";

/** Throws MF_WANDB_MODE, MF_WANDB_ID and MF_WANDB_URL for variables that say none. */
export function resolveSettings(options: Named, env: Environment, runName: string): Settings {
  const of = (variable: string): string | null => env[variable]?.trim() || null;
  const tags = of("WANDB_TAGS")?.split(",") ?? [];
  return {
    mode: options.mode ?? modeOf(of("WANDB_MODE") ?? "online"),
    baseUrl: baseUrlOf(env),
    id: options.id ?? idOf(of("WANDB_RUN_ID")),
    project: options.project ?? of("WANDB_PROJECT") ?? "motionforge",
    entity: options.entity ?? of("WANDB_ENTITY"),
    name: options.name ?? of("WANDB_NAME") ?? runName,
    group: options.group ?? of("WANDB_RUN_GROUP"),
    tags: options.tags ?? tags.map((tag) => tag.trim()).filter((tag) => tag !== ""),
    notes: options.notes ?? of("WANDB_NOTES"),
  };
}

function modeOf(text: string): Mode {
  if (!MODES.includes(text)) throw wandbErrors.MF_WANDB_MODE({ value: text, known: MODES });
  return text as Mode;
}

/** What an id may be: it is part of addresses and of file names. */
export const RUN_ID = /^[\w-]{1,64}$/;

function idOf(text: string | null): string | null {
  if (text !== null && !RUN_ID.test(text)) throw wandbErrors.MF_WANDB_ID({ value: text });
  return text;
}

/** Throws MF_WANDB_URL. */
export function baseUrlOf(env: Environment): string {
  const text = env["WANDB_BASE_URL"]?.trim() || DEFAULT_URL;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw wandbErrors.MF_WANDB_URL({ value: text });
  return text.replace(/\/+$/, "");
}

/** The key of W&B's variable, else of the netrc file that `wandb login` writes; null for none. */
export async function findApiKey(env: Environment, baseUrl: string): Promise<string | null> {
  const key = env["WANDB_API_KEY"]?.trim();
  if (key) return key;
  const path = env["NETRC"] ?? join(homedir(), process.platform === "win32" ? "_netrc" : ".netrc");
  return passwordIn(await readFile(path, "utf8").catch(() => ""), new URL(baseUrl).hostname);
}

/** A machine's password in a netrc file: `machine <host> login <name> password <password>`, on one line or more. */
export function passwordIn(netrc: string, host: string): string | null {
  const words = netrc.replace(/^\s*#.*$/gm, "").match(/\S+/g) ?? [];
  let machine: string | undefined;
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "machine") machine = words[++i];
    else if (words[i] === "login" || words[i] === "account") i += 1;
    else if (words[i] === "password" && machine === host) return words[i + 1] ?? null;
  }
  return null;
}
