import { DOMParser } from "@xmldom/xmldom";
import { expect, test } from "vitest";
import { errorCurves, sharesWithin } from "../../../../plugins/tasks/ik/error-curves.ts";

const both = (...errors: number[]) => ({
  position_error_mm: Float64Array.from(errors),
  orientation_error_deg: Float64Array.from(errors),
});

test("a share counts the errors up to and with a value; a NaN is reached nowhere", () => {
  const shares = sharesWithin(Float64Array.of(Number.NaN, 0, 0.01, 3, 100), 100);
  const shareAt = (error: number): number => shares.findLast((point) => point.error <= error)!.share;
  expect(shares[0]).toEqual({ error: 0.01, share: 0.4 });
  expect(shareAt(2.8)).toBe(0.4);
  expect(shareAt(3.2)).toBe(0.6);
  expect(shares.at(-1)).toEqual({ error: 100, share: 0.8 });
  expect(shares.every(({ error }, i) => i === 0 || error > shares[i - 1]!.error)).toBe(true);
});

test("the picture has a curve a method and panel, which rises with the errors' logarithm", () => {
  const methods = [
    { name: "model", errors: both(0.1, 0.1, 1, 10) },
    { name: "no_move", errors: both(100, 100, 100, 100) },
  ];
  const svg = new DOMParser().parseFromString(errorCurves(methods), "image/svg+xml");
  const texts = Array.from(svg.getElementsByTagName("text")).map(({ textContent }) => textContent);
  expect(texts).toEqual(expect.arrayContaining(["model", "no move", "position error, mm", "orientation error, °"]));
  expect(texts[0]).toBe("Share of 4 poses reached within an error");
  const curves = Array.from(svg.getElementsByTagName("path")).map((path) =>
    [...path.getAttribute("d")!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
  );
  expect(curves).toHaveLength(4);
  // The model is drawn last; half of its errors are a quarter of the way from 0.01 to 100.
  const model = curves[1]!;
  const [width, height] = [model.at(-1)![0], model[0]![1]];
  const rise = (share: number) => model.find(([, y]) => y <= height * (1 - share))![0] / width;
  expect(rise(0.5)).toBeCloseTo(1 / 4, 2);
  expect(rise(0.75)).toBeCloseTo(2 / 4, 2);
  expect(rise(1)).toBeCloseTo(3 / 4, 2);
});

test("errors that are all NaN, as of a network that diverged, leave a picture without a NaN", () => {
  expect(errorCurves([{ name: "model", errors: both(Number.NaN, Number.NaN) }])).not.toContain("NaN");
});
