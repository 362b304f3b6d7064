import { type Observable, Subject } from "rxjs";

export interface MetricPoint {
  /** `split/name`, snake_case, units in the name: `val/position_error_mm`. */
  readonly name: string;
  readonly value: number;
  /** Optimizer steps done when the value was measured. */
  readonly step: number;
  readonly epoch: number;
  readonly split: "train" | "val" | "system";
}

/** What sinks write. Called with points in order, never twice at once. */
export type SinkWrite = (points: readonly MetricPoint[]) => void | Promise<void>;

export interface MetricStream {
  /** Hot; never errors; completes when the run ends. */
  readonly points: Observable<MetricPoint>;
  record(points: readonly MetricPoint[]): void;
  /** Adds a consumer. It is buffered and isolated: one that throws or hangs is dropped with a warning, training goes on. */
  sink(name: string, write: SinkWrite): void;
}

export interface OwnedMetricStream extends MetricStream {
  /** Waits, at most `milliseconds`, for every sink to write what it holds. */
  drain(milliseconds: number): Promise<void>;
  complete(): void;
}

const maxBuffered = 100_000;

/** `warn` is told once a sink: which one failed, why, and that training goes on. */
export function createMetricStream(warn: (message: string) => void): OwnedMetricStream {
  const subject = new Subject<MetricPoint>();
  const sinks: Sink[] = [];
  return {
    points: subject.asObservable(),
    record(points) {
      for (const point of points) subject.next(point);
    },
    sink(name, write) {
      const sink = createSink(name, write, warn);
      sinks.push(sink);
      subject.subscribe({ next: sink.push });
    },
    async drain(milliseconds) {
      await Promise.all(sinks.map((sink) => sink.drain(milliseconds)));
    },
    complete: () => subject.complete(),
  };
}

interface Sink {
  push(point: MetricPoint): void;
  drain(milliseconds: number): Promise<void>;
}

/**
 * A subscriber that throws would become an uncaught exception in rxjs, and one that waits would hold up the step. So a
 * sink only buffers; its writer runs on its own turn of the event loop.
 */
function createSink(name: string, write: SinkWrite, warn: (message: string) => void): Sink {
  let buffer: MetricPoint[] = [];
  let writing: Promise<void> | null = null;
  let dropped = false;

  const drop = (reason: string): void => {
    if (dropped) return;
    dropped = true;
    buffer = [];
    warn(`Metric sink "${name}" ${reason}; it gets no more metrics. Training goes on.`);
  };
  const flush = async (): Promise<void> => {
    // Deferred to the next turn, so that what one step records is written in one piece.
    await new Promise((resolve) => setImmediate(resolve));
    while (buffer.length > 0 && !dropped) {
      const points = buffer;
      buffer = [];
      try {
        await write(points);
      } catch (error) {
        drop(`failed (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    writing = null;
  };
  return {
    push(point) {
      if (dropped) return;
      buffer.push(point);
      if (buffer.length > maxBuffered) drop(`fell ${maxBuffered} points behind`);
      writing ??= flush();
    },
    async drain(milliseconds) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(() => resolve("late"), milliseconds);
      });
      while (writing !== null && !dropped) {
        if ((await Promise.race([writing, late])) === "late") drop(`did not finish within ${milliseconds / 1000} s`);
      }
      clearTimeout(timer);
    },
  };
}
