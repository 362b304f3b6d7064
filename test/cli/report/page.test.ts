import { DOMParser } from "@xmldom/xmldom";
import { describe, expect, test } from "vitest";
import { linePlot } from "../../../cli/plot/line-plot.ts";
import { pageHtml } from "../../../cli/report/html.ts";
import type { PageData, PageRun } from "../../../cli/report/page-data.ts";
import { thinnedCurves, thinnedMedia } from "../../../cli/report/thinned.ts";
import type { Media } from "../../../core/metrics/media.ts";

test("no text of a run ends the page's data, and the data comes back as it was", () => {
  const run = { name: "</script><script>alert(1)</script><!--", curves: {}, media: [], sections: [] };
  const data: PageData = { live: false, written: "", version: "0", runs: [run as unknown as PageRun] };
  const html = pageHtml(data, { script: 'const a = "</script>";', style: "a{content:'</style>'}" });
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  expect(html.match(/<\/style>/g)).toHaveLength(1);
  const [, json] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(html)!;
  expect(JSON.parse(json!)).toEqual(data);
});

test("a report asks no other place for anything; a live page only its server", () => {
  const page = (live: boolean): string =>
    pageHtml({ live, written: "", version: "0", runs: [] }, { script: "", style: "" });
  expect(page(false)).toMatch(/default-src 'none';.*connect-src 'none'/);
  expect(page(true)).toMatch(/default-src 'none';.*connect-src 'self'/);
});

describe("of many pictures", () => {
  const of = (name: string, step: number): Media => ({ kind: "image", name, step, epoch: 0, svg: "" });
  const stepsOf = (media: readonly Media[]): number[] => media.map(({ step }) => step);

  test("the last stays and others about equally far apart; of each name on its own", () => {
    const media = Array.from({ length: 42 }, (_, i) => of("a", 1000 + 500 * i)).concat([of("b", 5)]);
    const kept = thinnedMedia(media);
    expect(stepsOf(kept.filter(({ name }) => name === "b"))).toEqual([5]);
    const apart = [1000, 2500, 4500, 6500, 8500, 10_500, 12_500, 14_500, 16_500, 18_500, 20_500];
    expect(stepsOf(kept.filter(({ name }) => name === "a"))).toEqual([...apart, 21_500]);
  });

  test("it is the same whether they come at once or one by one", () => {
    const all = Array.from({ length: 300 }, (_, i) => of("a", 1000 + 500 * i + (i % 7)));
    let growing: Media[] = [];
    for (const [i, item] of all.entries()) {
      growing = thinnedMedia([...growing, item]);
      expect(growing.length).toBeLessThanOrEqual(18);
      expect(growing.at(-1)).toEqual(item);
      if (i % 50 === 0) expect(stepsOf(growing)).toEqual(stepsOf(thinnedMedia(all.slice(0, i + 1))));
    }
  });
});

test("of long curves the page gets a few thousand points, with every extreme", () => {
  const steps = Array.from({ length: 100_000 }, (_, i) => i + 1);
  const curves = { a: { steps, values: steps.map((step) => (step === 5077 ? 9 : Math.sin(step))) } };
  const { a } = thinnedCurves(curves);
  expect(a!.steps.length).toBeLessThanOrEqual(4002);
  expect(a!.values[a!.steps.indexOf(5077)]).toBe(9);
  const short = { a: { steps: steps.slice(0, 6000), values: curves.a.values.slice(0, 6000) } };
  expect(thinnedCurves(short, { growing: true })).toEqual(short);
  expect(thinnedCurves(short)["a"]!.steps.length).toBeLessThanOrEqual(4002);
});

const look = { width: 700, height: 300, log: false, smoothing: 0 };
const panel = (steps: number[], values: (number | null)[], name = "a") => ({
  title: "train/loss",
  lines: [{ name, color: 0, curve: { steps, values } }],
});
const parsed = (svg: string) => new DOMParser().parseFromString(svg, "image/svg+xml");
const texts = (svg: string): string[] =>
  Array.from(parsed(svg).getElementsByTagName("text")).map(({ textContent }) => textContent ?? "");
/** The points of the curves, by the commands of their paths. */
const pointsOf = (svg: string): [number, number][][] =>
  Array.from(parsed(svg).getElementsByTagName("path"))
    .map((path) => path.getAttribute("d")!)
    .filter((d) => /^M[\d.]+ [\d.]+L/.test(d))
    .map((d) => [...d.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]));

/** Where a tick of this label is on an axis. */
function tickAt(svg: string, label: string, axis: "x" | "y"): number {
  const found = Array.from(parsed(svg).getElementsByTagName("text")).find(
    (text) => text.textContent === label && text.getAttribute("text-anchor") === (axis === "x" ? "middle" : "end"),
  );
  return Number(found!.getAttribute(axis)) - (axis === "y" ? 4 : 0);
}

test("a plotted point stands where its step and value are on the axes", () => {
  const svg = linePlot([panel([0, 400, 1000], [0, 20, 10])], look);
  const [points] = pointsOf(svg);
  const labels = (axis: "x" | "y", values: number[]) => values.map((value) => tickAt(svg, tickText(value), axis));
  const tickText = (value: number): string => (value === 1000 ? "1k" : String(value));
  expect(points!.map(([x]) => x)).toEqual(labels("x", [0, 400, 1000]).map((x) => expect.closeTo(x, 1)));
  expect(points!.map(([, y]) => y)).toEqual(labels("y", [0, 20, 10]).map((y) => expect.closeTo(y, 1)));
});

test("a logarithmic axis has equal distances for equal ratios, and leaves out what has no logarithm", () => {
  const svg = linePlot([panel([1, 2, 3, 4], [0.001, 0.1, 10, 0])], { ...look, log: true });
  const [points] = pointsOf(svg);
  const [a, b, c] = points!.map(([, y]) => y);
  expect(points).toHaveLength(3);
  expect(a! - b!).toBeCloseTo(b! - c!, 1);
});

test("a value that was not finite is a gap", () => {
  expect(pointsOf(linePlot([panel([1, 2, 3, 4, 5], [1, 2, null, 3, 4])], look))[0]).toHaveLength(4);
  expect(linePlot([panel([1, 2, 3, 4, 5], [1, 2, null, 3, 4])], look)).toMatch(/d="M[\d. ]+L[\d. ]+M[\d. ]+L[\d. ]+"/);
  expect(texts(linePlot([panel([1], [null])], look))).toContain("no finite values");
});

test("several runs have a legend, in which their names are text", () => {
  const two = { title: "m", lines: [panel([1, 2], [1, 2], "a<b&c").lines[0]!, panel([1, 2], [2, 1], "b").lines[0]!] };
  expect(texts(linePlot([two], look))).toEqual(expect.arrayContaining(["a<b&c", "b"]));
  expect(texts(linePlot([panel([1, 2], [1, 2], "alone")], look))).not.toContain("alone");
});

test("smoothing shows the values as they were behind the average, all of them in the picture", () => {
  const values = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 0 : 10));
  const steps = values.map((_, i) => i);
  const [raw, smooth] = pointsOf(linePlot([panel(steps, values)], { ...look, smoothing: 0.9 }));
  const spread = (points: [number, number][]): number =>
    Math.max(...points.slice(25).map(([, y]) => y)) - Math.min(...points.slice(25).map(([, y]) => y));
  expect(spread(smooth!)).toBeLessThan(spread(raw!) / 8);
  for (const [, y] of raw!) expect(y > 30 && y < 260).toBe(true);
});
