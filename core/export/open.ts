import { readBytes } from "../data/bytes.ts";
import { runInference } from "../graph/inference.ts";
import { openRuntime } from "../graph/runtime/runtime.ts";
import { inPieces } from "../inference.ts";
import type { Predict } from "../task.ts";
import { type KnownMetadata, readMetadata } from "./metadata.ts";

/** An exported model, ready to be asked without its run. */
export interface OpenedExport {
  readonly metadata: KnownMetadata;
  readonly predict: Predict;
  close(): void;
}

/**
 * Opens an ONNX file that `exportOnnx` wrote. Throws MF_FILE_MISSING, MF_EXPORT_FOREIGN, MF_EXPORT_DAMAGED,
 * MF_RUNTIME_MISSING, MF_MODEL_REFUSED.
 */
export async function openExported(path: string): Promise<OpenedExport> {
  const bytes = await readBytes(path, "Exported model");
  const metadata = readMetadata(bytes, path);
  const runtime = await openRuntime();
  const session = await runtime.createSession(bytes, `"${path}"`);
  return {
    metadata,
    predict: inPieces((inputs) => runInference(session, inputs)),
    close: () => session.release(),
  };
}
