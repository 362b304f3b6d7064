import { fromTheStart, type Places, readRun, stamp } from "../../core/report/record.ts";
import type { Place } from "../../core/report/tail.ts";
import type { RunFolder } from "../../core/run-folder.ts";
import type { LiveUpdate } from "../report/page-data.ts";
import { thinnedCurves, thinnedMedia } from "../report/thinned.ts";

/** One page's view of a run: what is new since the last time it asked. */
export interface Feed {
  /** Null while nothing has been written since. */
  next(): Promise<{ readonly id: string; readonly update: LiveUpdate } | null>;
}

/** From the event `since`, as a page names it when it comes back; from the start without one. */
export function openFeed(folder: RunFolder, since: string | undefined): Feed {
  let places = since === undefined ? fromTheStart : parsePlaces(since);
  let seen: string | undefined;
  return {
    async next() {
      const now = await stamp(folder);
      if (now === seen) return null;
      const news = await readRun(folder, places);
      seen = now;
      places = news.places;
      const { status, curves, media, restarted } = news;
      return {
        id: printPlaces(places),
        update: { name: folder.name, status, curves: thinnedCurves(curves), media: thinnedMedia(media), restarted },
      };
    },
  };
}

const printPlaces = ({ metrics, media }: Places): string =>
  [metrics, media].map(({ file, offset }) => `${file}.${offset}`).join("-");

function parsePlaces(text: string): Places {
  const [metrics = unknown, media = unknown] = text.split("-").map(parsePlace);
  return { metrics, media };
}

/** In no file there is: the page then gets everything, marked as such. */
const unknown: Place = { file: -1, offset: 1 };

function parsePlace(text: string): Place {
  const [, file, offset] = /^(\d{1,20})\.(\d{1,15})$/.exec(text) ?? [];
  return file === undefined ? unknown : { file: Number(file), offset: Number(offset) };
}
