import { expect, test } from "vitest";
import { type Clock, clockAtStart } from "../../core/run.ts";
import { createTimer, parseInterval } from "../../core/when.ts";

const at = (part: Partial<Clock>): Clock => ({ ...clockAtStart, ...part });
const never = () => 0;

test.each([
  ["500 steps", { every: 500, unit: "steps" }],
  ["1 step", { every: 1, unit: "steps" }],
  ["2 epochs", { every: 2, unit: "epochs" }],
  ["0.5 minutes", { every: 0.5, unit: "minutes" }],
])('"%s" is an interval', (text, parsed) => {
  expect(parseInterval(text)).toEqual(parsed);
});

test.each([
  "",
  "steps",
  "500",
  "0 steps",
  "-1 steps",
  "1.5 steps",
  "1e3 steps",
  "10 seconds",
  "5 steps more",
  "NaN steps",
])('"%s" is refused', (text) => {
  expect(() => parseInterval(text)).toThrow("MF_INTERVAL");
});

test("every 3 steps comes round at 3, 6 and 9", () => {
  const due = createTimer("3 steps", clockAtStart, never);
  const steps = Array.from({ length: 10 }, (_, i) => i + 1);
  expect(steps.filter((n) => due(at({ steps: n })))).toEqual([3, 6, 9]);
});

test("a resumed run keeps the rhythm of the first", () => {
  const due = createTimer("3 steps", at({ steps: 4 }), never);
  expect([5, 6, 7, 8, 9].filter((n) => due(at({ steps: n })))).toEqual([6, 9]);
});

test("epochs come round once each, however many steps they have", () => {
  const due = createTimer("1 epochs", clockAtStart, never);
  expect([0, 0, 1, 1, 1, 2, 2].map((epochs) => due(at({ epochs })))).toEqual([
    false,
    false,
    true,
    false,
    false,
    true,
    false,
  ]);
});

test("minutes are those of the wall clock, from the start of the process", () => {
  let now = 1_000_000;
  const due = createTimer("2 minutes", clockAtStart, () => now);
  const after = (minutes: number): boolean => {
    now += minutes * 60_000;
    return due(clockAtStart);
  };
  expect([after(1), after(1), after(1.5), after(0.5)]).toEqual([false, true, false, true]);
});
