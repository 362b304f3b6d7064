import { open } from "node:fs/promises";

/** Where reading goes on: in which file (a replaced one is another), and from which byte. */
export interface Place {
  readonly file: number;
  readonly offset: number;
}

export interface TailPart<L> {
  readonly lines: readonly L[];
  /** True when the lines are the file's first, and what was read before is void. */
  readonly restarted: boolean;
  readonly place: Place;
}

export const nowhere: Place = { file: 0, offset: 0 };

const CHUNK = 2 ** 22;

/**
 * The lines of a file of JSON lines from `place` on. A line that is being written is left for the next time; one that is
 * no JSON object, which a killed writer may leave, is passed over. A file that was replaced or cut is read from its start, one that
 * does not exist is empty.
 */
export async function readLines<L extends object>(path: string, place: Place): Promise<TailPart<L>> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return { lines: [], restarted: place.offset > 0, place: nowhere };
  try {
    const { ino, size } = await file.stat();
    const goesOn = ino === place.file && size >= place.offset;
    const from = goesOn ? place.offset : 0;
    const { lines, read } = await readBetween<L>(file, from, size);
    return { lines, restarted: !goesOn && place.offset > 0, place: { file: ino, offset: from + read } };
  } finally {
    await file.close();
  }
}

async function readBetween<L>(
  file: Awaited<ReturnType<typeof open>>,
  from: number,
  to: number,
): Promise<{ lines: L[]; read: number }> {
  const lines: L[] = [];
  let rest = Buffer.alloc(0);
  let read = 0;
  for (;;) {
    const at = from + read + rest.length;
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, to - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) return { lines, read };
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const end = bytes.lastIndexOf("\n") + 1;
    for (const line of bytes.toString("utf8", 0, end).split("\n")) {
      const value = parse(line);
      if (value !== null) lines.push(value as L);
    }
    read += end;
    rest = bytes.subarray(end);
  }
}

function parse(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
