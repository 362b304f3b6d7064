import { availableParallelism } from "node:os";
import type * as Ort from "onnxruntime-node";
import type { HostTensor } from "../../data/host-tensor.ts";
import { createBuilder } from "../builder.ts";
import type { DType } from "../node.ts";
import { toOnnx } from "../onnx/model.ts";
import { type Device, requireDevice, sessionOptions } from "./device.ts";
import { refusal, runFailure } from "./errors.ts";
import { loadPackage } from "./node-api.ts";
import { hostTensor, ortTensor } from "./ort-tensors.ts";

type HostTensors = Readonly<Record<string, HostTensor>>;

/** What an output is called that takes the place of an input at the next run. */
export const nextName = (input: string): string => `next:${input}`;

export interface StateTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface DeviceStep {
  /** The model; it has an input `x` and an output `next:x` for every tensor of the state. */
  readonly bytes: Uint8Array;
  /** Stands for the model in messages. */
  readonly name: string;
  readonly state: readonly StateTensor[];
  readonly device: Device;
  /** For `cpu`; all cores if left out. */
  readonly threads?: number;
}

/** A training step on a device that keeps the state between runs. */
export interface DeviceState {
  /** Starts from these values; they are read by the next run. */
  load(state: HostTensors): void;
  /** One step from the state and `inputs` to the next state. Returns the other outputs. One run at a time. */
  run(inputs: HostTensors): Promise<Record<string, HostTensor>>;
  /** Copies the state to the host. */
  read(): Promise<Record<string, HostTensor>>;
  dispose(): Promise<void>;
}

/**
 * Compiles a step for a device. On `webgpu` the state stays there from run to run; on `cuda` and `cpu` onnxruntime-node
 * takes it through host memory. Throws as `openRuntime` and `createSession` do; the methods throw as `Session.run` does.
 */
export async function openDeviceState(step: DeviceStep): Promise<DeviceState> {
  const { name, device, threads = availableParallelism() } = step;
  const ort = await loadPackage();
  await requireDevice(ort, device);
  const create = async (bytes: Uint8Array, outputsOnDevice: readonly string[]) => {
    try {
      const location = device === "webgpu" ? "gpu-buffer" : "cpu";
      return await ort.InferenceSession.create(bytes, {
        ...sessionOptions(device, threads),
        preferredOutputLocation: Object.fromEntries(outputsOnDevice.map((output) => [output, location])),
      });
    } catch (cause) {
      throw refusal(name, cause);
    }
  };
  const run = async (session: Ort.InferenceSession, feeds: Tensors): Promise<Tensors> => {
    try {
      return await session.run(feeds);
    } catch (cause) {
      throw runFailure(name, cause);
    }
  };

  const session = await create(
    step.bytes,
    step.state.map((tensor) => nextName(tensor.name)),
  );
  const reader = await create(copyOf(step.state), []);
  let state: Tensors = {};
  const replaceState = (next: Tensors) => {
    const previous = state;
    state = next;
    for (const tensor of Object.values(previous)) tensor.dispose();
  };

  return {
    load: (values) => replaceState(mapValues(values, (value) => ortTensor(ort, value))),
    async run(inputs) {
      const results = await run(session, { ...state, ...mapValues(inputs, (value) => ortTensor(ort, value)) });
      const isNext = new Map(step.state.map((tensor) => [nextName(tensor.name), tensor.name]));
      const [next, others]: [Tensors, Tensors] = [{}, {}];
      for (const [output, tensor] of Object.entries(results)) {
        const of = isNext.get(output);
        if (of === undefined) others[output] = tensor;
        else next[of] = tensor;
      }
      replaceState(next);
      return mapValues(others, hostTensor);
    },
    async read() {
      // Tensor.getData() would be the way, but for a tensor on a GPU it ends the process (onnxruntime-node 1.30).
      const copies = await run(reader, state);
      return Object.fromEntries(step.state.map((tensor) => [tensor.name, hostTensor(copies[nextName(tensor.name)]!)]));
    },
    async dispose() {
      replaceState({});
      await session.release();
      await reader.release();
    },
  };
}

type Tensors = Record<string, Ort.Tensor>;

/** A model with an output `next:x` that equals the input `x`, for every `x`. */
function copyOf(tensors: readonly StateTensor[]): Uint8Array {
  const builder = createBuilder();
  const inputs = tensors.map(({ name, shape, dtype }) => builder.input(name, shape, dtype));
  const outputs = Object.fromEntries(tensors.map(({ name }, i) => [nextName(name), inputs[i]!]));
  return toOnnx({ inputs, outputs }).bytes;
}

const mapValues = <T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
