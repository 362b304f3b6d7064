import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { createBench, useBackend } from "../../../core/testing/index.ts";
import { consoleProgress } from "../../../plugins/loggers/console/index.ts";
import { formatNumber, progressLine } from "../../../plugins/loggers/console/progress.ts";

beforeAll(async () => void (await useBackend("cpu")));

describe("the progress line", () => {
  test("shows the bar, the steps, the rate, the time left and the values", () => {
    const line = progressLine(
      { steps: 250, total: 1000, stepsPerSecond: 5, values: { loss: 0.123456, lr: 1e-5 } },
      200,
    );
    expect(line).toBe("[=====               ]  250/1000  5 steps/s  ETA 2 min 30 s  loss 0.1235  lr 1.00e-5");
  });

  test("has neither bar nor time left when the run has no end", () => {
    expect(progressLine({ steps: 250, total: null, stepsPerSecond: 5, values: {} }, 200)).toBe("step 250  5 steps/s");
  });

  test("is cut to fit the terminal with a column to spare, however narrow", () => {
    const progress = { steps: 250, total: 1000, stepsPerSecond: 5, values: { loss: 1 } };
    for (const columns of [1, 2, 10, 40]) {
      expect(progressLine(progress, columns).length).toBeLessThanOrEqual(Math.max(1, columns - 1));
    }
  });

  test("never grows its bar beyond the end", () => {
    expect(progressLine({ steps: 12, total: 10, stepsPerSecond: null, values: {} }, 200)).toBe(
      "[====================]  12/10",
    );
  });
});

test.each([
  [0, "0"],
  [1234.5678, "1235"],
  [0.012345, "0.01235"],
  [0.00001234, "1.23e-5"],
  [123456, "1.23e+5"],
  [Number.NaN, "NaN"],
])("%s is written %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

describe("the plugin", () => {
  let written: string[] = [];
  const terminal = (isTTY: boolean): void => {
    Object.defineProperty(process.stderr, "isTTY", { value: isTTY, configurable: true });
  };
  const before = Object.getOwnPropertyDescriptor(process.stderr, "isTTY");
  beforeEach(() => {
    written = [];
    vi.stubEnv("CI", undefined);
    vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    if (before === undefined) Reflect.deleteProperty(process.stderr, "isTTY");
    else Object.defineProperty(process.stderr, "isTTY", before);
  });

  /** A run of three steps, each a minute long, on a clock of its own. */
  async function run(directory: string | null = "somewhere"): Promise<string[]> {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const bench = createBench(consoleProgress(), undefined, { directory, settings: { steps: 3 } });
    for (let i = 0; i < 3; i++) {
      now += 60_000;
      await bench.step();
    }
    await bench.validate({ "val/error_mm": 1.5, "val/error_mm_p95": 9 });
    await bench.finish("completed", "reached 3 steps");
    await bench.dispose();
    return written;
  }

  test("writes plain lines where there is no terminal, and the outcome last", async () => {
    terminal(false);
    expect(await run()).toEqual([
      "[======              ]  1/3\n",
      "[=============       ]  2/3  0.01667 steps/s  ETA 1 min 00 s\n",
      "[====================]  3/3  0.01667 steps/s  ETA 0 s\n",
      "step 3: val/error_mm 1.5\n",
      "completed at step 3: reached 3 steps\n",
    ]);
  });

  test("redraws one line on a terminal, and clears it before what stays", async () => {
    terminal(true);
    const out = await run();
    const erase = "\r\x1b[2K";
    expect(out.slice(0, 3).every((text) => text.startsWith(erase) && !text.includes("\n"))).toBe(true);
    expect(out.slice(3)).toEqual([
      erase,
      "step 3: val/error_mm 1.5\n",
      erase,
      "completed at step 3: reached 3 steps\n",
      erase,
    ]);
  });

  test("writes plain lines on a terminal in CI", async () => {
    terminal(true);
    vi.stubEnv("CI", "true");
    expect((await run()).join("")).not.toContain("\x1b");
  });

  test("redraws ten times a second at most", async () => {
    terminal(true);
    let now = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    const bench = createBench(consoleProgress(), undefined, { directory: "somewhere" });
    for (let i = 0; i < 100; i++) {
      await bench.step();
      now += 10;
    }
    expect(written).toHaveLength(10);
  });

  test("is quiet in a run that has no folder", async () => {
    terminal(false);
    expect(await run(null)).toEqual([]);
  });
});
