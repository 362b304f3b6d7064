import { wandbErrors } from "./errors.ts";

export interface Server {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** A request that takes longer has failed. */
  readonly deadline_ms: number;
}

export const REQUEST_DEADLINE_MS = 20_000;
/** Uploads get a second more for as many bytes. */
const SLOWEST_BYTES_PER_S = 100_000;

/**
 * Sends a JSON document and returns the answer's. Rejects with MF_WANDB_UNREACHABLE where the same request may succeed
 * later, with MF_WANDB_REFUSED where it never will.
 */
export async function postJson(server: Server, path: string, body: string): Promise<unknown> {
  const url = server.baseUrl + path;
  const headers = { "content-type": "application/json", authorization: authorization(server) };
  const answer = await request(url, { method: "POST", headers, body }, server.deadline_ms);
  try {
    return JSON.parse(answer) as unknown;
  } catch {
    throw wandbErrors.MF_WANDB_REFUSED({ url, problem: "does not answer as W&B does" });
  }
}

/** Stores bytes where W&B said to; `headers` as it gave them, `Name:value`. Rejects like `postJson`. */
export async function putBytes(server: Server, to: string, headers: readonly string[], body: Blob): Promise<void> {
  const url = new URL(to, server.baseUrl);
  const own = url.origin === new URL(server.baseUrl).origin ? { authorization: authorization(server) } : {};
  const given = Object.fromEntries(headers.map((line) => [line.split(":", 1)[0]!, line.slice(line.indexOf(":") + 1)]));
  const deadline_ms = server.deadline_ms + (1000 * body.size) / SLOWEST_BYTES_PER_S;
  await request(url.href, { method: "PUT", headers: { ...own, ...given }, body }, deadline_ms);
}

const authorization = ({ apiKey }: Server): string => `Basic ${Buffer.from(`api:${apiKey}`).toString("base64")}`;

async function request(address: string, init: RequestInit, deadline_ms: number): Promise<string> {
  // What follows the path of an upload's address is a signature, and nobody else's business.
  const url = address.split("?", 1)[0]!;
  try {
    const response = await fetch(address, { ...init, signal: AbortSignal.timeout(Math.ceil(deadline_ms)) });
    const text = await response.text();
    if (response.ok) return text;
    throw failure(url, response, text);
  } catch (error) {
    const problem = faultOf(error as Error, deadline_ms);
    if (problem === null) throw error;
    throw wandbErrors.MF_WANDB_UNREACHABLE({ url, problem, after_ms: null }, { cause: error });
  }
}

/** Of these it is worth asking again. */
const isPassing = (status: number): boolean => status >= 500 || status === 408 || status === 425 || status === 429;

function failure(url: string, { status, headers }: Response, text: string): Error {
  const said = messageIn(text);
  const problem = `${MEANINGS[status] ?? `answered ${status}`}${said === null ? "" : `: ${said}`}`;
  if (!isPassing(status)) return wandbErrors.MF_WANDB_REFUSED({ url, problem });
  const seconds = Number(headers.get("retry-after") ?? Number.NaN);
  return wandbErrors.MF_WANDB_UNREACHABLE({ url, problem, after_ms: Number.isFinite(seconds) ? seconds * 1000 : null });
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: "refused the API key (401)",
  403: "denied permission (403)",
  404: "knows no such run (404)",
  429: "asked for fewer requests (429)",
};

/** What an answer's `errors` or `error` say, where it has them. */
export function messageIn(text: string): string | null {
  try {
    const { errors, error } = JSON.parse(text) as { errors?: { message?: string }[]; error?: string };
    return errors?.[0]?.message ?? error ?? null;
  } catch {
    return null;
  }
}

/** What the network did, in words; null for any other error. */
function faultOf(error: Error, deadline_ms: number): string | null {
  if (error.name === "TimeoutError") return `did not answer within ${Math.round(deadline_ms / 1000)} s`;
  // What fetch rejects with has the reason as its cause.
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return null;
  const { code, message } = error.cause as NodeJS.ErrnoException;
  return `cannot be reached (${code ?? message})`;
}
