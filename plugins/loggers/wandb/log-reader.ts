import { open } from "node:fs/promises";
import { FILE_HEADER, unframe } from "./datastore.ts";
import { wandbErrors } from "./errors.ts";
import { decodeRecord, type LocalRecord } from "./records.ts";

/** Reads the records of a local run while it grows. */
export interface LogReader {
  /**
   * The next records before byte `end`, some megabytes at most; none when all were read. Rejects with MF_WANDB_LOCAL
   * where the file is damaged.
   */
  read(end: number): Promise<LocalRecord[]>;
  close(): Promise<void>;
}

const STRETCH_BYTES = 2 ** 22;

export async function openLogReader(path: string): Promise<LogReader> {
  const file = await open(path, "r");
  let position = FILE_HEADER.length;
  return {
    async read(end) {
      for (let stretch = STRETCH_BYTES; position < end; stretch *= 2) {
        const bytes = new Uint8Array(Math.min(stretch, end - position));
        const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
        const records: LocalRecord[] = [];
        const start = position;
        for (const { payload, end: after } of unframe(bytes.subarray(0, bytesRead), start)) {
          const record = decodeRecord(payload);
          if (record !== null) records.push(record);
          position = after;
        }
        if (position > start) return records;
        if (start + bytesRead >= end || bytesRead < bytes.length) throw wandbErrors.MF_WANDB_LOCAL({ path });
      }
      return [];
    },
    close: () => file.close(),
  };
}
