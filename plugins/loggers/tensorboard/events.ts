import type { Histogram } from "../../../core/metrics/media.ts";
import * as proto from "../../../core/protobuf.ts";
import { readFields } from "../../../core/protobuf-reader.ts";

/**
 * Messages of TensorBoard's event files: event.proto, summary.proto, tensor.proto, and those of the dashboards, whose
 * values are tensors with the dashboard's name (`SummaryMetadata.plugin_data`).
 */
export type Event = Uint8Array;

/** When an event happened: seconds since 1970, and optimizer steps done. */
export interface Moment {
  readonly seconds: number;
  readonly step: number;
}

// Event {wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7}
const event = ({ seconds, step }: Moment, content: proto.Field): Event =>
  proto.joined([proto.double(1, seconds), proto.varint(2, step), content]);

/** The first event of a file, which says what the others are. */
export const versionEvent = (seconds: number): Event => event({ seconds, step: 0 }, proto.string(3, "brain.Event:2"));

/**
 * Begins a session (SessionLog {status = 1}, START = 1). At each but the first, a TensorBoard that is open forgets what it
 * has read of this step and later ones, which are done again.
 */
export const sessionStart = (at: Moment): Event => event(at, proto.message(7, [proto.varint(1, 1)]));

/** The step of an event; 0 where it says none. */
export function stepOf(data: Event): number {
  for (const { field, value } of readFields(data)) if (field === 2) return value as number;
  return 0;
}

// Summary {value = 1}, Value {tag = 1, simple_value = 2, tensor = 8, metadata = 9}
const summary = (at: Moment, values: readonly (readonly proto.Field[])[]): Event =>
  event(
    at,
    proto.message(
      5,
      values.map((fields) => proto.message(1, fields)),
    ),
  );

/** Numbers of one step, by tag. */
export const scalars = (at: Moment, values: readonly (readonly [tag: string, value: number])[]): Event =>
  summary(
    at,
    values.map(([tag, value]) => [proto.string(1, tag), proto.float(2, value)]),
  );

// DataType
const FLOAT = 1;
const DOUBLE = 2;
const STRING = 7;
// DataClass
const TENSOR = 2;
const BLOB_SEQUENCE = 3;

// TensorProto {dtype = 1, tensor_shape = 2}, TensorShapeProto {dim = 2}, Dim {size = 1}
const tensor = (dtype: number, shape: readonly number[], values: readonly proto.Field[]): proto.Field =>
  proto.message(8, [
    proto.varint(1, dtype),
    proto.message(
      2,
      shape.map((size) => proto.message(2, [proto.varint(1, size)])),
    ),
    ...values,
  ]);

// SummaryMetadata {plugin_data = 1, data_class = 4}, PluginData {plugin_name = 1, content = 2}
const metadata = (plugin: string, dataClass: number, content: readonly proto.Field[] = []): proto.Field =>
  proto.message(9, [
    proto.message(1, [proto.string(1, plugin), proto.message(2, content)]),
    proto.varint(4, dataClass),
  ]);

/** `[bins, 3]` float64: left edge, right edge, count. */
export function histogram(at: Moment, tag: string, { edges, counts }: Histogram): Event {
  const rows = counts.flatMap((count, i) => [edges[i]!, edges[i + 1]!, count]);
  const content = proto.bytes(4, new Uint8Array(Float64Array.from(rows).buffer));
  return summary(at, [
    [proto.string(1, tag), metadata("histograms", TENSOR), tensor(DOUBLE, [counts.length, 3], [content])],
  ]);
}

/** Markdown. */
export const text = (at: Moment, tag: string, markdown: string): Event =>
  summary(at, [[proto.string(1, tag), metadata("text", TENSOR), tensor(STRING, [], [proto.string(8, markdown)])]]);

export interface Picture {
  readonly png: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Strings: width and height as text, then the file. */
export const image = (at: Moment, tag: string, { png, width, height }: Picture): Event =>
  summary(at, [
    [
      proto.string(1, tag),
      metadata("images", BLOB_SEQUENCE),
      tensor(STRING, [3], [proto.string(8, String(width)), proto.string(8, String(height)), proto.bytes(8, png)]),
    ],
  ]);

// HParamsPluginData {version = 1, session_start_info = 3, session_end_info = 4} lies in the metadata; the tensor is empty.
const hparams = (at: Moment, tag: string, content: proto.Field): Event =>
  summary(at, [[proto.string(1, `_hparams_/${tag}`), metadata("hparams", TENSOR, [content]), tensor(FLOAT, [0], [])]]);

/** What the run was started with. SessionStartInfo {hparams = 1 (key = 1, value = 2), group_name = 4, start_time_secs = 5}. */
export const hparamsStart = (at: Moment, group: string, values: Readonly<Record<string, HParam>>): Event =>
  hparams(
    at,
    "session_start_info",
    proto.message(3, [
      ...Object.entries(values).map(([key, value]) =>
        proto.message(1, [proto.string(1, key), proto.message(2, [protobufValue(value)])]),
      ),
      proto.string(4, group),
      proto.double(5, at.seconds),
    ]),
  );

export type HParam = number | string | boolean;

// google.protobuf.Value {number_value = 2, string_value = 3, bool_value = 4}
const protobufValue = (value: HParam): proto.Field =>
  typeof value === "number"
    ? proto.double(2, value)
    : typeof value === "string"
      ? proto.string(3, value)
      : proto.varint(4, value ? 1 : 0);

/** How the run ended. SessionEndInfo {status = 1 (SUCCESS = 1, FAILURE = 2), end_time_secs = 2}. */
export const hparamsEnd = (at: Moment, succeeded: boolean): Event =>
  hparams(at, "session_end_info", proto.message(4, [proto.varint(1, succeeded ? 1 : 2), proto.double(2, at.seconds)]));
