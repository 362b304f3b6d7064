import { createHash } from "node:crypto";
import { openAsBlob } from "node:fs";
import { join } from "node:path";
import { graphql, type RemoteRun } from "./client.ts";
import { putBytes, type Server } from "./http.ts";
import type { Artifact } from "./records.ts";

const CREATE_FILES = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) {
    uploadHeaders files { name uploadUrl }
  }
}`;

interface RunFiles {
  readonly createRunFiles: {
    readonly uploadHeaders: readonly string[];
    readonly files: readonly { readonly name: string; readonly uploadUrl: string }[];
  };
}

/** Stores files of the folder `below` with the run. Rejects like `postJson`. */
export async function uploadFiles(
  server: Server,
  { entity, project, id }: RemoteRun,
  below: string,
  files: readonly string[],
): Promise<void> {
  const { createRunFiles } = await graphql<RunFiles>(server, CREATE_FILES, { entity, project, run: id, files });
  for (const { name, uploadUrl } of createRunFiles.files) {
    await putBytes(server, uploadUrl, createRunFiles.uploadHeaders, await openAsBlob(join(below, name)));
  }
}

const CREATE_ARTIFACT = `mutation CreateArtifact($input: CreateArtifactInput!) {
  createArtifact(input: $input) { artifact { id state artifactSequence { latestArtifact { id } } } }
}`;
const CREATE_MANIFEST = `mutation CreateArtifactManifest($artifactID: ID!, $baseArtifactID: ID, $name: String!,
  $digest: String!, $entityName: String!, $projectName: String!, $runName: String!, $type: ArtifactManifestType!,
  $upload: Boolean!) {
  createArtifactManifest(input: {artifactID: $artifactID, baseArtifactID: $baseArtifactID, name: $name, digest: $digest,
    entityName: $entityName, projectName: $projectName, runName: $runName, type: $type}) {
    artifactManifest { id file { uploadUrl @include(if: $upload) uploadHeaders @include(if: $upload) } }
  }
}`;
const CREATE_ARTIFACT_FILES = `mutation CreateArtifactFiles($input: CreateArtifactFilesInput!) {
  createArtifactFiles(input: $input) { files { edges { node { uploadUrl uploadHeaders artifact { id } } } } }
}`;
const COMMIT = `mutation CommitArtifact($artifactID: ID!) {
  commitArtifact(input: {artifactID: $artifactID}) { artifact { id } }
}`;

interface Created {
  readonly createArtifact: {
    readonly artifact: {
      readonly id: string;
      readonly state: string;
      readonly artifactSequence: { readonly latestArtifact: { readonly id: string } | null };
    };
  };
}
interface ManifestMade {
  readonly createArtifactManifest: {
    readonly artifactManifest: {
      readonly id: string;
      readonly file: { readonly uploadUrl: string; readonly uploadHeaders: readonly string[] | null };
    };
  };
}
interface FilesMade {
  readonly createArtifactFiles: {
    readonly files: {
      readonly edges: readonly {
        readonly node: {
          /** Null for content that the store has already. */
          readonly uploadUrl: string | null;
          readonly uploadHeaders: readonly string[] | null;
          readonly artifact: { readonly id: string };
        };
      }[];
    };
  };
}

/**
 * Stores a version of an artifact: created as a draft, its files and then its manifest stored, and committed. A version
 * of the same content that is there already is left as it is. Rejects like `postJson`.
 */
export async function uploadArtifact(server: Server, run: RemoteRun, artifact: Artifact): Promise<void> {
  const names = { entityName: run.entity, projectName: run.project, runName: run.id };
  const { createArtifact } = await graphql<Created>(server, CREATE_ARTIFACT, {
    input: {
      ...names,
      artifactTypeName: artifact.type,
      artifactCollectionName: artifact.name,
      digest: artifact.digest,
      digestAlgorithm: "MANIFEST_MD5",
      aliases: artifact.aliases.map((alias) => ({ alias, artifactCollectionName: artifact.name })),
      clientID: artifact.clientId,
      sequenceClientID: artifact.sequenceClientId,
      enableDigestDeduplication: true,
    },
  });
  const { id: artifactID, state, artifactSequence } = createArtifact.artifact;
  if (state === "COMMITTED") return;
  const makeManifest = async (digest: string, upload: boolean) => {
    const given = { ...names, artifactID, baseArtifactID: artifactSequence.latestArtifact?.id ?? null };
    const variables = { ...given, name: "wandb_manifest.json", digest, type: "FULL", upload };
    return (await graphql<ManifestMade>(server, CREATE_MANIFEST, variables)).createArtifactManifest.artifactManifest;
  };
  const { id: artifactManifestID } = await makeManifest("", false);
  const { createArtifactFiles } = await graphql<FilesMade>(server, CREATE_ARTIFACT_FILES, {
    input: {
      artifactFiles: artifact.files.map(({ path, digest }) => ({
        ...{ artifactID, artifactManifestID, name: path, md5: digest },
      })),
      storageLayout: "V2",
    },
  });
  const made = createArtifactFiles.files.edges.map(({ node }) => node);
  for (const [i, { uploadUrl, uploadHeaders }] of made.entries()) {
    if (uploadUrl === null) continue;
    await putBytes(server, uploadUrl, uploadHeaders ?? [], await openAsBlob(artifact.files[i]!.localPath));
  }
  const manifest = JSON.stringify({
    version: 1,
    storagePolicy: "wandb-storage-policy-v1",
    storagePolicyConfig: { storageLayout: "V2" },
    contents: Object.fromEntries(
      artifact.files.map(({ path, digest, bytes }, i) => [
        path,
        { digest, size: bytes, birthArtifactID: made[i]!.artifact.id },
      ]),
    ),
  });
  const { file } = await makeManifest(createHash("md5").update(manifest).digest("base64"), true);
  await putBytes(server, file.uploadUrl, file.uploadHeaders ?? [], new Blob([manifest]));
  await graphql(server, COMMIT, { artifactID });
}
