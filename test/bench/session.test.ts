import { expect, test } from "vitest";
import { openSession } from "../../bench/session.ts";

const node = (script: string) => ({ file: process.execPath, args: ["-e", script], env: {} });
const introduction = { description: "d", parameters: 7, firstTwoSteps: { elapsed_ms: 3, quiet: true } };
const introduce = `console.log(${JSON.stringify(JSON.stringify(introduction))});`;

test("a session hears the introduction and asks for one sample at a time", async () => {
  const answer = JSON.stringify({ step_ms: 2, quiet: false, peak_memory_mb: 90 });
  const session = await openSession(
    node(`${introduce} process.stdin.on("data", () => console.log(${"`"}${answer}${"`"}))`),
  );
  expect(session).toMatchObject(introduction);
  expect(await session.sample()).toEqual({ step_ms: 2, quiet: false });
  expect(session.peakMemoryMb()).toBe(90);
  await session.stop();
  await expect(session.sample()).rejects.toThrow("SIGKILL");
});

test.each([
  ["says why", `console.error("first\\nno library here"); process.exit(1)`, "no library here"],
  ["throws", `throw new TypeError("no such size")`, "TypeError: no such size"],
  ["says nothing", "process.exit(3)", "it ended with code 3"],
  ["is killed", `process.kill(process.pid, "SIGKILL")`, "it ended with SIGKILL"],
])("a contender that ends before its first step and %s", async (_, script, message) => {
  await expect(openSession(node(script))).rejects.toThrow(message);
});

test("a contender that dies when asked for a sample", async () => {
  const session = await openSession(
    node(`${introduce} process.stdin.once("data", () => { console.error("out of memory"); process.exit(1); })`),
  );
  await expect(session.sample()).rejects.toThrow("out of memory");
});

test("a program that is not there", async () => {
  await expect(openSession({ file: "no-such-program", args: [], env: {} })).rejects.toThrow("ENOENT");
});
