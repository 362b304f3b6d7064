import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Artifact, ArtifactFile, RunInfo } from "./records.ts";

/** A checkpoint's folder as a version of the run's model. Rejects with what the file system throws. */
export async function modelArtifact(run: RunInfo, checkpoint: string, aliases: readonly string[]): Promise<Artifact> {
  const names = (await readdir(checkpoint)).sort();
  const files = await Promise.all(
    names.map(async (path): Promise<ArtifactFile> => {
      const localPath = join(checkpoint, path);
      return { path, localPath, bytes: (await stat(localPath)).size, digest: await md5(localPath) };
    }),
  );
  // W&B takes letters, digits, dashes, underscores and dots.
  const name = `${run.name}-model`.replace(/[^\w.-]+/g, "-");
  return { run, type: "model", name, digest: manifestDigest(files), aliases, files, ...clientIds() };
}

/** As W&B's own: MD5 of a line for the format and one for each file, by name. */
export const manifestDigest = (files: readonly Pick<ArtifactFile, "path" | "digest">[]): string =>
  createHash("md5")
    .update(["wandb-artifact-manifest-v1", ...files.map(({ path, digest }) => `${path}:${digest}`), ""].join("\n"))
    .digest("hex");

async function md5(path: string): Promise<string> {
  const hash = createHash("md5");
  await pipeline(createReadStream(path), hash);
  return hash.digest("base64");
}

const clientIds = () => ({ clientId: randomName(128), sequenceClientId: randomName(128) });

/** Digits and small letters, as W&B names runs and versions. */
export const randomName = (length: number): string =>
  Array.from(randomBytes(length), (byte) => (byte % 36).toString(36)).join("");
