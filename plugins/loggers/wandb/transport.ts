import { sendExit, sendHeartbeat, sendRows, sendUploaded, upsertRun } from "./client.ts";
import type { Server } from "./http.ts";
import type { Transport } from "./sender.ts";
import { uploadArtifact, uploadFiles } from "./uploads.ts";

/** MotionForge's own client. `folder` is the local run's. */
export const createClientTransport = (server: Server, folder: string): Transport => ({
  open: (run) => upsertRun(server, run),
  rows: (remote, stretch) => sendRows(server, remote, stretch),
  async files(remote, paths) {
    await uploadFiles(server, remote, `${folder}/files`, paths);
    await sendUploaded(server, remote, paths);
  },
  artifact: (remote, artifact) => uploadArtifact(server, remote, artifact),
  heartbeat: (remote) => sendHeartbeat(server, remote),
  exit: (remote, code) => sendExit(server, remote, code),
});
