import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Media } from "../../../core/metrics/media.ts";
import type { MetricPoint } from "../../../core/metrics/stream.ts";
import { loadRasterizer, type Rasterize } from "../png.ts";
import type { LocalRun } from "./local-run.ts";
import { toLogged } from "./media.ts";
import type { Artifact, LocalRecord } from "./records.ts";
import { createHistory, type Times } from "./rows.ts";

/** Writes what a run measures to its local copy. */
export interface Recording {
  readonly local: LocalRun;
  /** Keeps points for the next flush. */
  add(points: readonly MetricPoint[]): void;
  /** Writes what was added. Resolves with how many bytes of the file are settled. */
  flush(): Promise<number>;
  /** Stores media, and writes them with what was added. Resolves like `flush`. */
  media(items: readonly Media[]): Promise<number>;
  /** The end: the last row, the summary, and the exit code. Resolves with the file's length and its rows. */
  finish(exitCode: number, artifact: Artifact | null): Promise<{ readonly bytes: number; readonly rows: number }>;
}

export function createRecording(local: LocalRun, times: Times): Recording {
  const history = createHistory(local.start, times);
  let rows = local.rows;
  let rasterize: Promise<Rasterize | null> | undefined;

  const historyRecords = () => {
    const { complete, open } = history.take();
    rows += complete.length;
    const record = (row: (typeof complete)[number]): LocalRecord => ({ kind: "history", ...row });
    return { complete: complete.map(record), open: open === null ? [] : [record(open)] };
  };
  const summary = (): LocalRecord => ({ kind: "summary", values: history.summary });
  /** `files` of the row that is open; they stand before it. */
  const flush = (files: readonly LocalRecord[] = []): Promise<number> => {
    const { complete, open } = historyRecords();
    return local.write([...complete, ...files], [...open, summary()]);
  };
  return {
    local,
    add: history.add,
    flush: () => flush(),
    async media(items) {
      rasterize ??= loadRasterizer();
      const paths: string[] = [];
      for (const item of items) {
        const { text, file } = await toLogged(item, await rasterize);
        if (file !== null) {
          const path = join(local.folder, "files", file.path);
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, file.content);
          paths.push(file.path);
        }
        history.put(item.step, item.name, text);
      }
      return flush(paths.length === 0 ? [] : [{ kind: "files", paths }]);
    },
    async finish(exitCode, artifact) {
      const { complete, open } = historyRecords();
      rows += open.length;
      const runtime_s = Number(history.summary.get("_runtime") ?? 0);
      const end: LocalRecord[] = [
        ...(artifact === null ? [] : [{ kind: "artifact" as const, artifact }]),
        { kind: "exit", code: exitCode, runtime_s },
        { kind: "final" },
        { kind: "footer" },
      ];
      return { bytes: await local.write([...complete, ...open, summary(), ...end], []), rows };
    },
  };
}
