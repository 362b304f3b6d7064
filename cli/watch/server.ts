import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { errors } from "../../core/errors.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import type { RunFolder } from "../../core/run-folder.ts";
import { type Access, refusal } from "./access.ts";
import { openFeed } from "./feed.ts";

export interface WatchOptions {
  readonly folder: RunFolder;
  readonly html: string;
  readonly host: string;
  readonly port: number;
  /** Null where everyone on this machine may look. */
  readonly token: string | null;
  /** The figures of the newest checkpoint. */
  sections(): Promise<readonly BuiltSection[]>;
  warn(message: string): void;
}

export interface Watching {
  readonly url: string;
  close(): Promise<void>;
}

/** Hosts that mean every address of this machine, and are none to open. */
const ANY = ["0.0.0.0", "::"];
const LOOK_MS = 500;
const HEARTBEAT_MS = 15_000;

/** Serves a run's page and what the run writes, as server-sent events. It only reads. Throws MF_USAGE for a port or host that cannot be had. */
export async function serveRun(options: WatchOptions): Promise<Watching> {
  const { host, token } = options;
  const streams = new Set<ServerResponse>();
  const server = createServer();
  const port = await listen(server, host, options.port);
  const access: Access = token === null ? { token, port } : { token };
  server.on("request", (request, response) => void answer(request, response, access, options, streams));
  const name = ANY.includes(host) ? hostname() : host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}/${token === null ? "" : `?token=${token}`}`,
    async close() {
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, port)));
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const problem = {
    EADDRINUSE: `Port ${port} is taken.`,
    EACCES: `Port ${port} may not be used by this user.`,
    EADDRNOTAVAIL: `This machine has no address "${host}".`,
    ENOTFOUND: `The host "${host}" is not known.`,
  }[cause.code ?? ""];
  if (problem === undefined) return cause;
  const usage =
    cause.code === "EADDRINUSE" || cause.code === "EACCES"
      ? "Give another --port, or --port 0 for any."
      : "Give another --host.";
  return errors.MF_USAGE({ problem, usage });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
  options: WatchOptions,
  streams: Set<ServerResponse>,
): Promise<void> {
  const say = (code: number, type: string, body: string): void => {
    response.writeHead(code, { ...HEADERS, "content-type": `${type}; charset=utf-8` }).end(body);
  };
  try {
    const url = new URL(request.url ?? "/", "http://localhost");
    const refused = refusal(access, request, url);
    if (refused !== null) say(403, "text/plain", `${refused}\n`);
    else if (url.pathname === "/") say(200, "text/html", options.html);
    else if (url.pathname === "/sections") say(200, "application/json", JSON.stringify(await options.sections()));
    else if (url.pathname === "/events") stream(request, response, url, options, streams);
    else say(404, "text/plain", "There is only one page: /\n");
  } catch (error) {
    say(500, "text/plain", `${(error as Error).message}\n`);
  }
}

const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
};

/** Sends news until the page goes; an event's id says where to go on. */
function stream(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  { folder, warn }: WatchOptions,
  streams: Set<ServerResponse>,
): void {
  const since = request.headers["last-event-id"] ?? url.searchParams.get("since") ?? undefined;
  const feed = openFeed(folder, since as string | undefined);
  response.writeHead(200, { ...HEADERS, "content-type": "text/event-stream; charset=utf-8" });
  response.write("retry: 1000\n\n");
  streams.add(response);
  let timer: NodeJS.Timeout;
  let spoke = performance.now();
  const look = async (): Promise<void> => {
    try {
      // A page that does not read gets no more until it does.
      const news = response.writableNeedDrain ? null : await feed.next();
      if (news !== null) response.write(`event: news\nid: ${news.id}\ndata: ${JSON.stringify(news.update)}\n\n`);
      else if (performance.now() - spoke > HEARTBEAT_MS) response.write(":\n\n");
      if (news !== null || performance.now() - spoke > HEARTBEAT_MS) spoke = performance.now();
    } catch (error) {
      warn(`The run could not be read: ${(error as Error).message}`);
      response.end();
    }
    if (!response.writableEnded && !response.destroyed) timer = setTimeout(look, LOOK_MS);
  };
  response.on("close", () => {
    clearTimeout(timer);
    streams.delete(response);
  });
  void look();
}
