import { type Media, sizeOf } from "./media.ts";
import type { MetricPoint } from "./stream.ts";

/** What sinks write. Called with points in order, never twice at once. */
export type SinkWrite = (points: readonly MetricPoint[]) => void | Promise<void>;

export interface SinkOptions {
  /** Called like the writer, between its calls; without it the sink gets numbers only. */
  readonly media?: (items: readonly Media[]) => void | Promise<void>;
}

/** A consumer of a metric stream with what waits for it. */
export interface Sink {
  push(point: MetricPoint): void;
  pushMedia(item: Media): void;
  /**
   * Does something in its turn between the writes, isolated like them: what a logger opens at the start and closes at
   * the end.
   */
  act(action: () => void | Promise<void>): void;
  /**
   * Waits, at most `milliseconds`, until what it holds is written. One that is late is not waited for again before it has
   * caught up.
   */
  settle(milliseconds: number): Promise<void>;
  /** The same at the end: one that is late is dropped. */
  drain(milliseconds: number): Promise<void>;
}

/** Of points that wait for a sink. */
const maxPoints = 100_000;
/** Of media that wait for a sink, in characters and numbers. */
const maxMediaSize = 20_000_000;

interface Waiting {
  points: MetricPoint[];
  media: Media[];
  action: (() => void | Promise<void>) | null;
}

/**
 * A subscriber that throws would become an uncaught exception in rxjs, and one that waits would hold up the step. So a
 * sink only buffers; its writer runs on its own turn of the event loop. `warn` is told once, when it fails.
 */
export function createSink(
  name: string,
  write: SinkWrite,
  options: SinkOptions,
  warn: (message: string) => void,
): Sink {
  let waiting: Waiting[] = [];
  let pointCount = 0;
  let mediaSize = 0;
  let writing: Promise<void> | null = null;
  let dropped = false;
  let late = false;

  const drop = (reason: string): void => {
    if (dropped) return;
    dropped = true;
    waiting = [];
    warn(`Metric sink "${name}" ${reason}; it gets no more metrics. Training goes on.`);
  };
  const writeOut = async ({ points, media, action }: Waiting): Promise<void> => {
    if (points.length > 0) await write(points);
    if (media.length > 0) await options.media?.(media);
    await action?.();
  };
  const flush = async (): Promise<void> => {
    // Deferred to the next turn, so that what one step records is written in one piece.
    await new Promise((resolve) => setImmediate(resolve));
    while (waiting.length > 0 && !dropped) {
      const next = waiting.shift()!;
      pointCount -= next.points.length;
      mediaSize -= next.media.reduce((size, item) => size + sizeOf(item), 0);
      try {
        await writeOut(next);
      } catch (error) {
        drop(`failed (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    writing = null;
    late = false;
  };
  /** The last of what waits, if a kind may still be added to it in its order; else a new one. */
  const open = (isOpen: (last: Waiting) => boolean): Waiting => {
    const last = waiting.at(-1);
    if (last !== undefined && isOpen(last)) return last;
    const fresh: Waiting = { points: [], media: [], action: null };
    waiting.push(fresh);
    return fresh;
  };

  /** Waits until nothing is left to write; false when that takes longer. */
  const isWritten = async (milliseconds: number): Promise<boolean> => {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), milliseconds);
    });
    try {
      while (writing !== null && !dropped) if ((await Promise.race([writing, timeout])) === "late") return false;
      return true;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    push(point) {
      if (dropped) return;
      open(({ media, action }) => media.length === 0 && action === null).points.push(point);
      pointCount += 1;
      if (pointCount > maxPoints) drop(`fell ${maxPoints} points behind`);
      writing ??= flush();
    },
    pushMedia(item) {
      if (dropped) return;
      open(({ action }) => action === null).media.push(item);
      mediaSize += sizeOf(item);
      if (mediaSize > maxMediaSize) drop(`fell ${maxMediaSize / 1e6} MB of media behind`);
      writing ??= flush();
    },
    act(action) {
      if (dropped) return;
      open((last) => last.action === null).action = action;
      writing ??= flush();
    },
    async settle(milliseconds) {
      if (!dropped && !late) late = !(await isWritten(milliseconds));
    },
    async drain(milliseconds) {
      if (!dropped && !(await isWritten(milliseconds))) drop(`did not finish within ${milliseconds / 1000} s`);
    },
  };
}
