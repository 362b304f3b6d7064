import { leavesOf } from "../../../core/config/plain.ts";
import type { Json } from "../../../core/json.ts";
import type { Media } from "../../../core/metrics/media.ts";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { loadRasterizer, type Rasterize } from "../png.ts";
import { type Event, type HParam, histogram, image, type Moment, scalars, text } from "./events.ts";
import { markdownTable } from "./markdown.ts";

/** One event for consecutive points of one step. */
export function scalarEvents(points: readonly MetricPoint[], seconds: number): Event[] {
  const groups: { readonly step: number; readonly values: [string, number][] }[] = [];
  for (const { name, value, step } of points) {
    if (groups.at(-1)?.step !== step) groups.push({ step, values: [] });
    groups.at(-1)!.values.push([name, value]);
  }
  return groups.map(({ step, values }) => scalars({ seconds, step }, values));
}

/** What is not a number, as events. `warn` is told once when pictures cannot be drawn. */
export function mediaConverter(warn: (message: string) => void) {
  let rasterize: Promise<Rasterize | null> | undefined;

  const imageEvents = async (at: Moment, name: string, svg: string): Promise<Event[]> => {
    rasterize ??= loadRasterizer().then((loaded) => {
      if (loaded === null) warn("TensorBoard gets no pictures: install the package @resvg/resvg-js for them.");
      return loaded;
    });
    const draw = await rasterize;
    return draw === null ? [] : [image(at, name, await draw(svg))];
  };
  return async (item: Media, seconds: number): Promise<Event[]> => {
    const at = { seconds, step: item.step };
    switch (item.kind) {
      case "image":
        return imageEvents(at, item.name, item.svg);
      case "histogram":
        return [histogram(at, item.name, item)];
      case "table":
        return [text(at, item.name, markdownTable(item.columns, item.rows))];
      case "text":
        return [text(at, item.name, item.text)];
    }
  };
}

/** Settings as hyperparameters: lists as their text, without those that are null. */
export function hparamsOf(config: Json): Record<string, HParam> {
  const entries = leavesOf(config)
    .filter(([, value]) => value !== null)
    .map(([path, value]) => [path.join("."), typeof value === "object" ? JSON.stringify(value) : value]);
  return Object.fromEntries(entries) as Record<string, HParam>;
}
