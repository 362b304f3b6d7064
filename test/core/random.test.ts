import { expect, test } from "vitest";
import { createStream, philox4x32 } from "../../core/random.ts";

const hex = (words: Uint32Array): string[] => [...words].map((w) => w.toString(16).padStart(8, "0"));

test("Philox4x32-10 gives the known answers of Random123", () => {
  const out = new Uint32Array(4);
  philox4x32(new Uint32Array([0, 0, 0, 0]), 0, 0, out);
  expect(hex(out)).toEqual(["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]);
  philox4x32(new Uint32Array(4).fill(0xffffffff), 0xffffffff, 0xffffffff, out);
  expect(hex(out)).toEqual(["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]);
  philox4x32(new Uint32Array([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]), 0xa4093822, 0x299f31d0, out);
  expect(hex(out)).toEqual(["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]);
});

test("a stream is a function of seed, name and index", () => {
  const draw = (seed: number, name: string, index: number) => [...createStream(seed, name, index).normals(5)];
  expect(draw(1, "data", 7)).toEqual(draw(1, "data", 7));
  expect(draw(1, "data", 7)).not.toEqual(draw(1, "data", 8));
  expect(draw(1, "data", 7)).not.toEqual(draw(1, "init", 7));
  expect(draw(1, "data", 7)).not.toEqual(draw(2, "data", 7));
});

test("normals have mean 0 and deviation 1, uniforms mean ½ and variance 1⁄12", () => {
  const moments = (x: Float32Array): [number, number] => {
    const mean = x.reduce((a, b) => a + b, 0) / x.length;
    return [mean, x.reduce((a, b) => a + (b - mean) ** 2, 0) / x.length];
  };
  const [mean, variance] = moments(createStream(0, "test").normals(200_000));
  expect(Math.abs(mean)).toBeLessThan(0.01);
  expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  const [middle, spread] = moments(createStream(0, "test").uniforms(200_000));
  expect(Math.abs(middle - 0.5)).toBeLessThan(0.005);
  expect(Math.abs(spread - 1 / 12)).toBeLessThan(0.002);
});

test("below(n) reaches every value evenly", () => {
  const stream = createStream(3, "below");
  const counts = new Array(7).fill(0);
  for (let i = 0; i < 70_000; i++) counts[stream.below(7)]++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});
