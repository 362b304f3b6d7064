import { describe, expect, test } from "vitest";
import { compileAccumulation } from "../../../../core/graph/tail/accumulate.ts";
import { Memory } from "../../../../core/graph/tail/webassembly.ts";

describe.each([0, 1, 3, 4, 7, 64])("%i elements", (count) => {
  const to = 20;
  const from = 4004;
  const a = Float32Array.from({ length: count }, (_, i) => i / 3 - 1);
  const b = Float32Array.from({ length: count }, (_, i) => 1 / (i + 3));
  const setUp = () => {
    const memory = new Memory({ initial: 1 });
    const view = (address: number, length = count) => new Float32Array(memory.buffer, address, length);
    view(to, count + 1).set([...a, 9]);
    view(from).set(b);
    return { accumulation: compileAccumulation(memory), view };
  };

  test("are added, leaving the others", () => {
    const { accumulation, view } = setUp();
    accumulation.addInto(to, from, count);
    expect(view(to, count + 1)).toEqual(Float32Array.from([...a.map((x, i) => x + b[i]!), 9]));
    expect(view(from)).toEqual(b);
  });

  test("are scaled", () => {
    const { accumulation, view } = setUp();
    accumulation.scale(to, 1 / 3, count);
    expect(view(to, count + 1)).toEqual(Float32Array.from([...a.map((x) => x * Math.fround(1 / 3)), 9]));
  });

  test("are copied", () => {
    const { accumulation, view } = setUp();
    accumulation.copy(to, from, count);
    expect(view(to, count + 1)).toEqual(Float32Array.from([...b, 9]));
  });
});

test("works on the memory after it has grown", () => {
  const memory = new Memory({ initial: 1 });
  const { scale } = compileAccumulation(memory);
  memory.grow(1);
  const value = new Float32Array(memory.buffer, 65536 + 8, 1).fill(3);
  scale(65536 + 8, 2, 1);
  expect(value[0]).toBe(6);
});
