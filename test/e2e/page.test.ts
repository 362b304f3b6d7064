import { createHash } from "node:crypto";
import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bundle, pageBundle } from "../../cli/report/bundle.ts";
import { pageHtml } from "../../cli/report/html.ts";
import { pageRun } from "../../cli/report/page-run.ts";
import { serveRun } from "../../cli/watch/server.ts";
import { type BuiltSection, colorMap } from "../../core/report/figure.ts";
import { type RunFolder, runFolder } from "../../core/run-folder.ts";
import { colorCount, complaintsOf, hasChromium, launch, whyNot } from "../support/chromium.ts";

const row = (step: number): string =>
  `${JSON.stringify({ step, epoch: 0, "train/loss": 10 / step + Math.sin(step), "train/lr": 1 / step, "train/grad_norm": 5 / step, "train/phase/stage": step < 50 ? 1 : 2 })}\n`;
const steps = Array.from({ length: 100 }, (_, i) => i + 1);

/** A ball that rises by 0.1 m a frame beside a target, and a point that crosses a plane. */
const sections: BuiltSection[] = [
  {
    name: "rise",
    title: "Rising",
    figure: {
      kind: "scene3d",
      up: "z",
      actors: [
        { name: "ball", ink: "model", parts: [{ shape: "capsule", from: 0, to: 1, radius: 0.1 }] },
        { name: "goal", ink: "target", parts: [{ shape: "cylinder", from: 0, to: 1, radius: 0.1 }] },
      ],
      clips: ["once", "again"].map((title) => ({
        title,
        note: `Clip ${title}.`,
        interval_s: 0.1,
        frames: [Array.from({ length: 11 }, (_, i) => [0, 0, i / 10, 0, 0, i / 10 + 0.2]), [[0.5, 0, 1, 0.5, 0, 1.2]]],
        trail: { actor: 0, point: 0 },
      })),
    },
  },
  {
    name: "plane",
    title: "Crossing",
    figure: {
      kind: "figure2d",
      x: { label: "x", min: 0, max: 1 },
      y: { label: "y", min: 0, max: 1 },
      clips: [
        {
          title: "only",
          note: "",
          interval_s: 0.05,
          marks: [{ x: 0.9, y: 0.9, ink: "target", label: "goal", radius: 0.05 }],
          path: [0.1, 0.1, 0.5, 0.5, 0.9, 0.9],
          frames: [0, 1, 2].map((i) => ({
            caption: `Frame ${i}`,
            crosses: [{ x: 0.9, y: 0.9, ink: "x" as const }],
            map: colorMap(
              Float32Array.from({ length: 64 }, (_, k) => k),
              8,
            ),
          })),
        },
      ],
    },
  },
];

const media = [
  { kind: "image", name: "val/paths", step: 50, epoch: 0, file: "media/a.svg" },
  ...[25, 50, 75].map((step) => ({
    kind: "histogram",
    name: "gradients/layer.w",
    step,
    epoch: 0,
    edges: [-step, 0, step],
    counts: [step, 3 * step],
  })),
];
const hostile =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><script>parent.stolen=1</script><rect width="9" height="9"/></svg>';

async function makeRun(parent: string, name: string, lr: number): Promise<RunFolder> {
  const folder = runFolder(join(parent, name));
  await mkdir(folder.checkpoints, { recursive: true });
  await mkdir(join(folder.path, "media"));
  const write = (file: string, text: string) => writeFile(join(folder.path, file), text);
  await write("metrics.jsonl", `${steps.map(row).join("")}{"step":100,"epoch":0,"val/error_mm":2.5}\n`);
  await write("media.jsonl", media.map((item) => `${JSON.stringify(item)}\n`).join(""));
  await write("media/a.svg", hostile);
  await write("config.json", JSON.stringify({ preset: "<b>p</b>", optimizer: { lr }, train: { steps: 200 } }));
  await write(
    "summary.json",
    JSON.stringify({
      outcome: "completed",
      clock: { steps: 100 },
      seconds: 75,
      metrics: { "val/error_mm": 2.5 },
      baselines: { no_move: { "val/error_mm": 80 } },
    }),
  );
  return folder;
}

describe.skipIf(!hasChromium)(`the page in Chromium${whyNot}`, () => {
  let parent: string;
  let browser: Browser;
  let bundle: Bundle;
  let runs: RunFolder[];
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "mf-page-"));
    runs = [await makeRun(parent, "one", 1e-3), await makeRun(parent, "two<img src=x onerror=alert(1)>", 2e-3)];
    [bundle, browser] = await Promise.all([pageBundle(), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await rm(parent, { recursive: true });
  });

  const writeReport = async (folders: readonly RunFolder[]): Promise<string> => {
    const pages = await Promise.all(folders.map((folder, i) => pageRun(folder, i === 0 ? sections : [])));
    const file = join(parent, `report-${folders.length}.html`);
    await writeFile(file, pageHtml({ live: false, written: "2026-01-01", version: "0", runs: pages }, bundle));
    return pathToFileURL(file).href;
  };
  const opened = async (url: string, options: BrowserContextOptions = {}): Promise<{ page: Page; asked: string[] }> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    page.setDefaultTimeout(30_000);
    await page.goto(url);
    return { page, asked };
  };
  const still: BrowserContextOptions = { reducedMotion: "reduce" };

  test("a report needs no network: curves, tables and pictures are drawn, and nothing runs that is in the data", async () => {
    const url = await writeReport(runs);
    const context = await browser.newContext({ offline: true, ...still });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url);
    expect(await page.locator("#results tbody tr").allInnerTexts()).toEqual([
      expect.stringMatching(/error, mm\s+2\.5\s+2\.5\s+80/),
    ]);
    expect(await page.locator(".diff tbody tr").allInnerTexts()).toEqual([
      expect.stringMatching(/optimizer\.lr\s+0\.001\s+0\.002/),
    ]);
    expect(await page.locator("#summary h3").allInnerTexts()).toEqual(runs.map(({ name }) => name));
    for (const chart of await page.locator(".plot:visible").all()) {
      expect(await colorCount(page, chart)).toBeGreaterThan(20);
    }
    expect(await page.evaluate("document.querySelector('#pictures img').naturalWidth")).toBeGreaterThan(0);
    expect(await colorCount(page, page.locator(".heat").first())).toBeGreaterThan(2);
    expect(await page.evaluate("'stolen' in window")).toBe(false);
    expect(asked.filter((address) => !/^(data|blob):/.test(address))).toEqual([url]);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test("smoothing and the logarithm change the curves", async () => {
    const { page } = await opened(await writeReport(runs.slice(0, 1)), still);
    const drawn = async () => {
      const url = await page.evaluate<string>("document.querySelector('#group-train canvas').toDataURL()");
      return createHash("sha256").update(url).digest("hex");
    };
    const before = await drawn();
    await page.locator("#smoothing").fill("0.9");
    await expect.poll(drawn).not.toBe(before);
    const smooth = await drawn();
    await page.locator("#log").check();
    await expect.poll(drawn).not.toBe(smooth);
    await page.context().close();
  });

  test("the 3D scene is drawn and plays; space and arrows pause and step, and clips change", async () => {
    const { page } = await opened(await writeReport(runs.slice(0, 1)));
    const complaints = complaintsOf(page);
    const player = page.locator(".player").first();
    const [stage, slider] = [player.locator(".stage"), player.locator("input[type=range]")];
    const frame = async (): Promise<number> => Number(await slider.inputValue());
    await stage.scrollIntoViewIfNeeded();
    await expect.poll(frame).toBeGreaterThan(2);
    await stage.press(" ");
    await slider.fill("0");
    const start = await stage.screenshot();
    expect(await colorCount(page, stage.locator("canvas"))).toBeGreaterThan(200);
    await stage.press("ArrowRight");
    await stage.press("ArrowRight");
    expect(await frame()).toBe(2);
    await stage.press("ArrowLeft");
    expect(await frame()).toBe(1);
    await slider.fill("10");
    expect((await stage.screenshot()).equals(start)).toBe(false);
    await player.getByRole("button", { name: "again" }).click();
    expect(await player.locator(".note").innerText()).toBe("Clip again.");
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test("the plane is drawn frame by frame", async () => {
    const { page } = await opened(await writeReport(runs.slice(0, 1)), still);
    const player = page.locator(".player").nth(1);
    const [canvas, slider] = [player.locator(".stage canvas"), player.locator("input[type=range]")];
    const first = await canvas.screenshot();
    expect(await colorCount(page, canvas)).toBeGreaterThan(200);
    await slider.fill("2");
    expect(await player.locator(".caption").innerText()).toMatch(/^Frame 2;/);
    expect((await canvas.screenshot()).equals(first)).toBe(false);
    await page.context().close();
  });

  test("on a phone, light or dark, nothing is wider than the screen", async () => {
    const url = await writeReport(runs);
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await opened(url, { viewport: { width: 390, height: 844 }, colorScheme, ...still });
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      await page.context().close();
    }
  });

  test("a live page shows what is written, says when it lost the server, and goes on without a gap or a repetition", async () => {
    const folder = await makeRun(parent, "live", 1e-3);
    // Trained by a process that lives: this one.
    await writeFile(join(folder.path, "lock"), String(process.pid));
    const html = pageHtml({ live: true, written: "2026-01-01", version: "0", runs: [] }, bundle);
    const serve = (port: number) =>
      serveRun({ folder, html, host: "127.0.0.1", port, token: null, sections: async () => sections, warn: () => {} });
    const append = (...added: number[]) => appendFile(join(folder.path, "metrics.jsonl"), added.map(row).join(""));
    let watching = await serve(0);
    const { page } = await opened(watching.url, still);
    const complaints = complaintsOf(page, { offline: true });
    const [said, facts] = [page.locator("header.page .chip"), page.locator(".facts")];
    const seesStep = (step: number) =>
      expect.poll(() => facts.innerText(), { timeout: 20_000 }).toContain(`${step} of`);
    await seesStep(100);
    expect(await said.innerText()).toBe("live");
    await append(101, 102);
    await seesStep(102);
    await page.getByRole("button", { name: "Draw the newest checkpoint" }).click();
    await expect.poll(() => page.locator(".player").count()).toBe(2);

    const { port } = new URL(watching.url);
    await watching.close();
    await expect.poll(() => said.innerText(), { timeout: 20_000 }).toMatch(/lost/);
    await append(103);
    watching = await serve(Number(port));
    await seesStep(103);
    expect(await said.innerText()).toBe("live");
    const label = await page.locator("#group-train .plot").first().getAttribute("aria-label");
    expect(label).toMatch(/at step 103/);
    expect(await facts.innerText()).toMatch(/steps a second.*time left/s);
    expect(complaints).toEqual([]);
    await page.context().close();
    await watching.close();
  });

  test("what a person zoomed into, went back to or chose stays when there is news", async () => {
    const folder = await makeRun(parent, "looked-at", 1e-3);
    const html = pageHtml({ live: true, written: "2026-01-01", version: "0", runs: [] }, bundle);
    const about = { folder, html, host: "127.0.0.1", port: 0, token: null, sections: async () => [], warn: () => {} };
    const watching = await serveRun(about);
    const { page } = await opened(watching.url, still);
    const facts = page.locator(".facts");
    const news = async (step: number) => {
      const published = [
        { kind: "image", name: "val/paths", step, epoch: 0, file: "media/a.svg" },
        { kind: "histogram", name: "weights/bias", step, epoch: 0, edges: [0, 1], counts: [step] },
      ];
      await appendFile(join(folder.path, "media.jsonl"), published.map((item) => `${JSON.stringify(item)}\n`).join(""));
      await appendFile(join(folder.path, "metrics.jsonl"), row(step));
      await expect.poll(() => facts.innerText(), { timeout: 20_000 }).toContain(`${step} of`);
    };
    await news(101);
    const plot = page.locator("#group-train .u-over").first();
    const point = async (share: number): Promise<void> => {
      await plot.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await plot.boundingBox())!;
      await page.mouse.move(x + share * width, y + height / 2);
    };
    const told = async (): Promise<number> => {
      const title = await page.locator("#group-train .readout span").first().getAttribute("title");
      return Number(/at step (\d+)/.exec(title!)![1]);
    };
    /** The step at the right edge of the chart. */
    const lastShown = async (): Promise<number> => {
      await point(0.5);
      await point(0.999);
      return told();
    };
    const steps = page.locator("#pictures output");
    await page.locator("#pictures input[type=range]").fill("0");
    expect(await steps.innerText()).toBe("step 50");
    expect(await lastShown()).toBe(101);
    await point(0.2);
    await page.mouse.down();
    await point(0.6);
    await page.mouse.up();
    const zoomed = await lastShown();
    expect(zoomed).toBeLessThan(70);

    await news(102);
    expect(await told()).toBe(zoomed);
    expect(await lastShown()).toBe(zoomed);
    expect(await steps.innerText()).toBe("step 50");
    await plot.dblclick();
    expect(await lastShown()).toBe(102);
    await page.locator("#pictures input[type=range]").fill("2");
    const select = page.locator("#parameter");
    await select.selectOption("layer.w");
    await select.focus();
    await news(103);
    expect(await lastShown()).toBe(103);
    expect(await steps.innerText()).toBe("step 103");
    expect(await select.inputValue()).toBe("layer.w");
    expect(await page.evaluate("document.activeElement.id")).toBe("parameter");
    await select.selectOption("bias");
    expect(await page.locator(".histograms figcaption").allInnerTexts()).toEqual(["weights"]);
    await page.context().close();
    await watching.close();
  });
});
