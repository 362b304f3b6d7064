import { type Observable, Subject } from "rxjs";
import type { Media } from "./media.ts";
import { createSink, type Sink, type SinkOptions, type SinkWrite } from "./sink.ts";

export interface MetricPoint {
  /** `split/name`, snake_case, units in the name: `val/position_error_mm`. */
  readonly name: string;
  readonly value: number;
  /** Optimizer steps done when the value was measured. */
  readonly step: number;
  readonly epoch: number;
  readonly split: "train" | "val" | "system";
}

export interface MetricStream {
  /** Hot; never errors; completes when the run ends. */
  readonly points: Observable<MetricPoint>;
  /** Hot; never errors; completes when the run ends. */
  readonly media: Observable<Media>;
  record(points: readonly MetricPoint[]): void;
  /** For what is not a number: pictures, histograms, tables, text. */
  publish(media: readonly Media[]): void;
  /** Adds a consumer. It is buffered and isolated: one that throws or hangs is dropped with a warning, training goes on. */
  sink(name: string, write: SinkWrite, options?: SinkOptions): Pick<Sink, "act">;
}

export interface OwnedMetricStream extends MetricStream {
  /** Waits, at most `milliseconds`, for every sink to write what it holds. */
  settle(milliseconds: number): Promise<void>;
  /** The same at the end: sinks that are late are dropped. */
  drain(milliseconds: number): Promise<void>;
  complete(): void;
}

/** `warn` is told once a sink: which one failed, why, and that training goes on. */
export function createMetricStream(warn: (message: string) => void): OwnedMetricStream {
  const points = new Subject<MetricPoint>();
  const media = new Subject<Media>();
  const sinks: Sink[] = [];
  return {
    points: points.asObservable(),
    media: media.asObservable(),
    record(given) {
      for (const point of given) points.next(point);
    },
    publish(given) {
      for (const item of given) media.next(item);
    },
    sink(name, write, options = {}) {
      const sink = createSink(name, write, options, warn);
      sinks.push(sink);
      points.subscribe({ next: sink.push });
      if (options.media !== undefined) media.subscribe({ next: sink.pushMedia });
      return { act: sink.act };
    },
    async settle(milliseconds) {
      await Promise.all(sinks.map((sink) => sink.settle(milliseconds)));
    },
    async drain(milliseconds) {
      await Promise.all(sinks.map((sink) => sink.drain(milliseconds)));
    },
    complete() {
      points.complete();
      media.complete();
    },
  };
}
