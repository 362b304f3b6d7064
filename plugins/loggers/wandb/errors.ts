import { defineErrors, isMfError, user } from "../../../core/errors.ts";

export const wandbErrors = defineErrors({
  MF_WANDB_MODE: user(
    (d: { value: string; known: readonly string[] }) =>
      `WANDB_MODE is "${d.value}". Set it to one of ${d.known.join(", ")}.`,
  ),
  MF_WANDB_ID: user(
    (d: { value: string }) =>
      `WANDB_RUN_ID is "${d.value}". Take at most 64 letters, digits, dashes and underscores, or unset it.`,
  ),
  MF_WANDB_URL: user(
    (d: { value: string }) =>
      `WANDB_BASE_URL is "${d.value}", which is no address. Write one like https://api.wandb.ai.`,
  ),
  /** A request that is worth repeating. */
  MF_WANDB_UNREACHABLE: user(
    (d: { url: string; problem: string; after_ms: number | null }) => `${d.url} ${d.problem}.`,
  ),
  /** An answer that no repetition changes. */
  MF_WANDB_REFUSED: user((d: { url: string; problem: string }) => `${d.url} ${d.problem}.`),
  MF_WANDB_SDK: user(
    (d: { problem: string }) =>
      `@wandb/sdk cannot be loaded (${d.problem}). Run npm install @wandb/sdk graphql, or leave out transport "sdk".`,
  ),
  MF_WANDB_NONE: user(
    (d: { path: string }) => `"${d.path}" holds no W&B run. Train with the plugin wandb, or name another run.`,
  ),
  MF_WANDB_KEY: user(
    (d: { baseUrl: string }) =>
      `There is no API key for ${d.baseUrl}. Set WANDB_API_KEY, or let wandb login write it to the netrc file.`,
  ),
  MF_WANDB_LOCAL: user((d: { path: string }) => `"${d.path}" is damaged; what comes after cannot be read.`),
});

/** What an error says, without its code: part of a sentence. */
export const wordsOf = (error: unknown): string => {
  const { message } = error as Error;
  return isMfError(error) ? message.replace(/ \[\w+\]$/, "") : message;
};
