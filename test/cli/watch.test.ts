import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LiveUpdate } from "../../cli/report/page-data.ts";
import { serveRun, type Watching, type WatchOptions } from "../../cli/watch/server.ts";
import { type RunFolder, runFolder } from "../../core/run-folder.ts";
import { finished, startMf } from "./mf.ts";

let folder: RunFolder;
const open: Watching[] = [];
beforeEach(async () => {
  folder = runFolder(await mkdtemp(join(tmpdir(), "mf-watch-")));
  await mkdir(folder.checkpoints);
  await writeFile(metrics(), row(1) + row(2));
});
afterEach(async () => {
  for (const watching of open.splice(0)) await watching.close();
  await rm(folder.path, { recursive: true });
});

const metrics = (): string => join(folder.path, "metrics.jsonl");
const row = (step: number): string => `${JSON.stringify({ step, epoch: 0, "train/loss": 1 / step })}\n`;

async function serve(more: Partial<WatchOptions> = {}): Promise<URL> {
  const options = {
    folder,
    html: "<p>page</p>",
    host: "127.0.0.1",
    port: 0,
    token: null,
    sections: async () => [],
    warn: () => {},
  };
  const watching = await serveRun({ ...options, ...more });
  open.push(watching);
  return new URL(watching.url);
}

/** A request with any Host header and method, as `fetch` does not allow. */
const ask = (url: URL, path: string, headers: Record<string, string> = {}, method = "GET") =>
  new Promise<{ code: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const sent = request(new URL(path, url), { headers, method }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve({ code: response.statusCode!, body, headers: response.headers }));
    });
    sent.on("error", reject).end();
  });

interface Event {
  readonly id: string;
  readonly update: LiveUpdate;
}

/** The news of an event stream, one by one. */
async function* events(url: URL, headers: Record<string, string> = {}, query = ""): AsyncGenerator<Event> {
  const response = await fetch(new URL(`events${query}`, url), { headers });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  let text = "";
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const blocks = text.split("\n\n");
    text = blocks.pop()!;
    for (const block of blocks) {
      const [, id, data] = /^event: news\nid: (.*)\ndata: (.*)$/.exec(block) ?? [];
      if (data !== undefined) yield { id: id!, update: JSON.parse(data) as LiveUpdate };
    }
  }
}
const next = async (stream: AsyncGenerator<Event>): Promise<Event> => (await stream.next()).value as Event;
const stepsOf = ({ update }: Event): readonly number[] => update.curves["train/loss"]?.steps ?? [];

describe("events", () => {
  test("carry what there is, then what is written, each line once", async () => {
    const stream = events(await serve());
    const first = await next(stream);
    expect(first.update).toMatchObject({ name: folder.name, restarted: false, status: { state: "killed" } });
    expect(stepsOf(first)).toEqual([1, 2]);
    await appendFile(metrics(), `${row(3)}{"step":4,`);
    expect(stepsOf(await next(stream))).toEqual([3]);
    await appendFile(metrics(), `"epoch":0,"train/loss":1}\n${row(5)}`);
    expect(stepsOf(await next(stream))).toEqual([4, 5]);
    await stream.return(undefined);
  });

  test("go on after the last one a page has, told by header or address, also from another server", async () => {
    const url = await serve();
    const stream = events(url);
    const { id } = await next(stream);
    await stream.return(undefined);
    await appendFile(metrics(), row(3));
    const again = events(url, { "last-event-id": id });
    expect(stepsOf(await next(again))).toEqual([3]);
    await again.return(undefined);
    const other = events(await serve(), {}, `?since=${id}`);
    expect(stepsOf(await next(other))).toEqual([3]);
    await other.return(undefined);
  });

  test("start over, and say so, when a resumed run has cut the file, or for an unknown event", async () => {
    const url = await serve();
    const stream = events(url);
    await next(stream);
    await writeFile(join(folder.path, "beside"), row(1));
    await rename(join(folder.path, "beside"), metrics());
    const after = await next(stream);
    expect(after.update.restarted).toBe(true);
    expect(stepsOf(after)).toEqual([1]);
    await stream.return(undefined);
    const unknown = events(url, { "last-event-id": "nonsense" });
    expect((await next(unknown)).update).toMatchObject({ restarted: true, curves: { "train/loss": { steps: [1] } } });
    await unknown.return(undefined);
  });
});

describe("who may look", () => {
  test("on this machine, under its own names only: another name in the Host header is refused", async () => {
    const url = await serve();
    for (const host of [`127.0.0.1:${url.port}`, `localhost:${url.port}`]) {
      expect(await ask(url, "/", { host })).toMatchObject({ code: 200, body: "<p>page</p>" });
    }
    for (const host of ["evil.example", `evil.example:${url.port}`, "127.0.0.1:1", "127.0.0.1.evil.example"]) {
      for (const path of ["/", "/events", "/sections"]) {
        expect((await ask(url, path, { host })).code).toBe(403);
      }
    }
  });

  test("with a token, only who knows it, under any name", async () => {
    const url = await serve({ token: "s3cret" });
    expect(url.search).toBe("?token=s3cret");
    for (const path of [
      "/",
      "/events",
      "/sections",
      "/?token=",
      "/?token=s3cre",
      "/?token=s3cret0",
      "/events?token=x",
    ]) {
      expect((await ask(url, path)).code).toBe(403);
    }
    expect((await ask(url, "/?token=s3cret", { host: "box.example" })).code).toBe(200);
    expect((await ask(url, "/sections?token=s3cret")).body).toBe("[]");
  });

  test("nobody may write, and no other site gets the page in a frame or its answers", async () => {
    const url = await serve();
    expect((await ask(url, "/", {}, "POST")).code).toBe(403);
    const { headers } = await ask(url, "/");
    expect(headers["x-frame-options"]).toBe("DENY");
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect((await ask(url, "/../../etc/passwd")).code).toBe(404);
  });
});

test("figures that cannot be made are an answer with the reason, and the page goes on", async () => {
  const url = await serve({
    sections: async () => {
      throw new Error("No usable checkpoint");
    },
  });
  expect(await ask(url, "/sections")).toMatchObject({ code: 500, body: "No usable checkpoint\n" });
  expect((await ask(url, "/")).code).toBe(200);
});

describe("mf watch", () => {
  test("prints the address, serves the page there, and ends by Ctrl-C with a page open", async () => {
    const child = startMf(folder.path, ["watch", folder.path, "--port", "0", "--json"]);
    const url = await new Promise<URL>((resolve) => {
      let text = "";
      child.stdout!.on("data", (part: Buffer) => {
        text += part.toString();
        const found = /"url": "(.*)"/.exec(text)?.[1];
        if (found !== undefined) resolve(new URL(found));
      });
    });
    expect(url.hostname).toBe("127.0.0.1");
    expect((await ask(url, "/")).body).toMatch(/^<!doctype html>/);
    const stream = events(url);
    expect(stepsOf(await next(stream))).toEqual([1, 2]);
    child.kill("SIGINT");
    expect((await finished(child)).code).toBe(0);
    await stream.next().catch(() => {});
  });

  test("a port that is taken, and a folder without a run, are the user's to mend", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as { port: number };
    const used = await finished(startMf(folder.path, ["watch", folder.path, "--port", String(port)]));
    taken.close();
    expect(used).toMatchObject({ code: 2, stderr: expect.stringContaining(`Port ${port} is taken.`) });
    const nothing = await finished(startMf(folder.path, ["watch", "nothing"]));
    expect(nothing).toMatchObject({ code: 2, stderr: expect.stringContaining('"nothing" does not exist') });
  });
});
