import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findApiKey, type Named, passwordIn, resolveSettings } from "../../../../plugins/loggers/wandb/settings.ts";

const unset: Named = {
  ...{ mode: null, id: null, project: null, entity: null, name: null, group: null, tags: null, notes: null },
};
const variables = {
  WANDB_MODE: "offline",
  WANDB_BASE_URL: "https://wandb.example.org/",
  WANDB_RUN_ID: "sweep-1",
  WANDB_PROJECT: "from variable",
  WANDB_ENTITY: "team",
  WANDB_NAME: "named",
  WANDB_RUN_GROUP: "group",
  WANDB_TAGS: "a, b,,c",
  WANDB_NOTES: "notes",
};

test("nothing set", () => {
  expect(resolveSettings(unset, {}, "panda-001")).toEqual({
    ...{ mode: "online", baseUrl: "https://api.wandb.ai", project: "motionforge", entity: null, name: "panda-001" },
    ...{ id: null, group: null, tags: [], notes: null },
  });
});

test("W&B's variables", () => {
  expect(resolveSettings(unset, variables, "panda-001")).toEqual({
    ...{ mode: "offline", baseUrl: "https://wandb.example.org", project: "from variable", entity: "team" },
    ...{ id: "sweep-1", name: "named", group: "group", tags: ["a", "b", "c"], notes: "notes" },
  });
});

test("options stand above variables, as arguments of W&B's init do", () => {
  const options: Named = { ...unset, mode: "disabled", project: "mine", tags: [], name: "x" };
  expect(resolveSettings(options, variables, "panda-001")).toMatchObject({
    ...{ mode: "disabled", project: "mine", tags: [], name: "x", group: "group" },
  });
});

test("variables that make no sense are the person's to mend", () => {
  const of = (env: Record<string, string>) => () => resolveSettings(unset, env, "r");
  expect(of({ WANDB_MODE: "onlin" })).toThrow('WANDB_MODE is "onlin". Set it to one of online, offline, disabled');
  expect(of({ WANDB_RUN_ID: "a/b" })).toThrow('WANDB_RUN_ID is "a/b". Take at most 64 letters');
  expect(of({ WANDB_BASE_URL: "wandb.ai" })).toThrow('WANDB_BASE_URL is "wandb.ai"');
  expect(of({ WANDB_BASE_URL: "ftp://wandb.ai" })).toThrow("MF_WANDB_URL");
});

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "netrc-"));
});
afterAll(() => rm(directory, { recursive: true }));

test("the key comes from the variable, else from the netrc file, else from nowhere", async () => {
  const NETRC = join(directory, "netrc");
  await writeFile(NETRC, "machine api.wandb.ai\n  login user\n  password of-netrc\n");
  expect(await findApiKey({ WANDB_API_KEY: " of-variable\n", NETRC }, "https://api.wandb.ai")).toBe("of-variable");
  expect(await findApiKey({ NETRC }, "https://api.wandb.ai")).toBe("of-netrc");
  expect(await findApiKey({ NETRC }, "https://wandb.example.org")).toBeNull();
  expect(await findApiKey({ NETRC: join(directory, "none") }, "https://api.wandb.ai")).toBeNull();
});

test.each([
  ["on one line", "machine a login user password one machine b login user password two", "two"],
  ["of another machine", "machine a login user password one", null],
  ["with a comment", "# machine b password no\nmachine b login user password two # mine", "two"],
  ["before the login", "machine b password two login user", "two"],
  ["that is missing", "machine b login user password", null],
  ["named like a word of the format", "machine b login password password two", "two"],
])("a password %s", (_, text, password) => {
  expect(passwordIn(text, "b")).toBe(password);
});
