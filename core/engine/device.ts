import type { HostTensor } from "../data/host-tensor.ts";
import { graphErrors } from "../graph/errors.ts";
import { type Node, sizeOf } from "../graph/node.ts";
import { toOnnx } from "../graph/onnx/model.ts";
import { type DeviceState, nextName, openDeviceState } from "../graph/runtime/device-state.ts";
import { viewOf } from "../graph/runtime/heap.ts";
import type { Runtime } from "../graph/runtime/runtime.ts";
import { adopt, placesOf } from "../graph/step/adopt.ts";
import { type DeviceGraph, traceDeviceStep } from "../graph/trace/device-step.ts";
import { fillDraws } from "../graph/trace/random.ts";
import type { TrainState } from "../state.ts";
import { mapTree, prefixed } from "../tree.ts";
import type { Engine, HostInputs } from "./engine.ts";
import { programKey, specsOf } from "./graph.ts";
import type { Predictor } from "./predictor.ts";
import { tensorMemory } from "./wasm-memory.ts";

type HostTensors = Record<string, HostTensor>;

interface Entry {
  readonly graph: DeviceGraph;
  readonly device: DeviceState;
}

/**
 * Runs the step on a device on which the state stays between steps; `sync` brings it back. Throws MF_ENGINE_BACKEND
 * unless the wasm backend is in use, MF_DEVICE_EXCHANGE, and what tracing and the runtime throw. Inference is the
 * predictor's, which it takes over.
 */
export function createDeviceEngine(runtime: Runtime, predictor: Predictor): Engine {
  const memory = tensorMemory();
  if (memory === null) throw graphErrors.MF_ENGINE_BACKEND(undefined);
  const entries = new Map<string, Entry>();
  let own: TrainState | null = null;
  /** Where the newest state is; null while it is in the tensors of `own`. */
  let holder: DeviceState | null = null;

  const open = async (...[program, state, micro]: Parameters<Engine["run"]>): Promise<Entry> => {
    const key = programKey(program, micro[0]!, micro.length);
    const found = entries.get(key);
    if (found !== undefined) return found;
    const graph = traceDeviceStep(program, specsOf(state, micro[0]!), micro.length);
    const inputs = [...Object.values(graph.before), ...graph.micro.flatMap((m) => Object.values(m.inputs))];
    const outputs = {
      finite: graph.finite,
      ...prefixed("reported", graph.metrics),
      ...prefixed("exposed", graph.exposed),
      ...Object.fromEntries(Object.entries(graph.after).map(([path, node]) => [nextName(path), node])),
    };
    const { bytes } = toOnnx({ inputs, outputs }, { name: "step" });
    const device = await openDeviceState({
      bytes,
      name: "step",
      device: runtime.device,
      state: Object.entries(graph.before).map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    });
    const entry = { graph, device };
    entries.set(key, entry);
    return entry;
  };
  const hostState = (state: TrainState): HostTensors =>
    mapTree(
      (place): HostTensor =>
        ({ dtype: place.dtype, shape: place.shape, data: viewOf(memory.memory, place).slice() }) as HostTensor,
      placesOf(state, memory),
    );

  return {
    name: "graph",
    description: `${runtime.description}, ${runtime.precision}`,
    async run(program, state, micro, exchange) {
      if (exchange !== null) throw graphErrors.MF_DEVICE_EXCHANGE({ device: runtime.device });
      const { graph, device } = await open(program, state, micro, exchange);
      if (state !== own) {
        own = adopt(state, memory);
        holder = null;
      }
      if (holder !== device) device.load(holder === null ? hostState(own) : await holder.read());
      holder = device;
      const outputs = await device.run(feeds(graph, micro));
      const metrics = mapTree((_, name) => Number(outputs[`reported/${name}`]!.data[0]), graph.metrics);
      const exposed = mapTree((_, name) => outputs[`exposed/${name}`]!.data as ArrayLike<number>, graph.exposed);
      const skipped = Number(outputs["finite"]!.data[0]) === 0;
      return { state: own, skipped, read: () => metrics, readExposed: () => exposed };
    },
    predictWith: predictor.predictWith,
    async sync() {
      if (holder === null || own === null) return;
      const places = placesOf(own, memory);
      for (const [path, { data }] of Object.entries(await holder.read())) {
        viewOf(memory.memory, places[path]!).set(data as Float32Array);
      }
    },
    async dispose() {
      for (const { device } of entries.values()) await device.dispose();
      entries.clear();
      predictor.dispose();
      holder = null;
      own = null;
    },
  };
}

/** The inputs of every micro-batch, its random numbers drawn. */
function feeds({ micro }: DeviceGraph, host: readonly HostInputs[]): HostTensors {
  const all: HostTensors = {};
  for (const [i, { inputs, draws }] of micro.entries()) {
    const { batch, scalars, random } = host[i]!;
    const fresh = (name: string): HostTensor<"float32"> => {
      const { shape } = inputs[name] as Node;
      return { dtype: "float32", shape, data: new Float32Array(sizeOf(shape)) };
    };
    for (const [name, tensor] of Object.entries(batch)) all[`${i}/batch/${name}`] = tensor;
    for (const [name, value] of Object.entries(scalars)) {
      all[`${i}/scalars/${name}`] = { dtype: "float32", shape: [], data: Float32Array.of(value) };
    }
    fillDraws(draws, random, (name) => {
      all[name] ??= fresh(name);
      return all[name].data as Float32Array;
    });
  }
  return all;
}
