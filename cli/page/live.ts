import { joined } from "../../core/report/curves.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import type { LiveUpdate, PageRun } from "../report/page-data.ts";
import { thinnedCurves, thinnedMedia } from "../report/thinned.ts";

export type Connection = "connecting" | "live" | "lost";

const RETRY_MS = 2000;

/** The server's address for this page, with the token the page was opened with. */
function address(path: string, more: Readonly<Record<string, string>> = {}): string {
  const url = new URL(path, location.href);
  const token = new URLSearchParams(location.search).get("token");
  if (token !== null) url.searchParams.set("token", token);
  for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value);
  return url.href;
}

/**
 * Follows a run: `show` is called with all of it after each news. A lost connection is taken up where it broke, by the
 * browser, or anew after an answer that makes the browser give up.
 */
export function follow(show: (run: PageRun) => void, say: (connection: Connection) => void): void {
  let run: PageRun | null = null;
  let since = "";
  const connect = (): void => {
    say("connecting");
    const events = new EventSource(address("events", since === "" ? {} : { since }));
    events.addEventListener("open", () => say("live"));
    events.addEventListener("error", () => {
      say("lost");
      if (events.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
    });
    events.addEventListener("news", (event) => {
      since = event.lastEventId;
      run = withNews(run, JSON.parse(event.data) as LiveUpdate);
      show(run);
    });
  };
  connect();
}

function withNews(run: PageRun | null, { restarted, ...news }: LiveUpdate): PageRun {
  if (run === null || restarted) return { ...news, sections: [] };
  const curves = thinnedCurves(joined(run.curves, news.curves), { growing: true });
  return { ...news, curves, media: thinnedMedia([...run.media, ...news.media]), sections: [] };
}

/** Asks for the figures of the newest checkpoint. Rejects with the server's reason. */
export async function askForFigures(): Promise<readonly BuiltSection[]> {
  const answer = await fetch(address("sections"));
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as BuiltSection[];
}
