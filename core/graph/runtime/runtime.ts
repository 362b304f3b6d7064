import { availableParallelism } from "node:os";
import { openCApi } from "./c-api.ts";
import type { Device } from "./device.ts";
import { reasonOf, runtimeErrors } from "./errors.ts";
import { openNodeApi } from "./node-api.ts";
import type { Runtime } from "./session.ts";

export type { Device } from "./device.ts";
export type { Heap, HeapTensor } from "./heap.ts";
export type { Bound, Runtime, Session } from "./session.ts";

export interface RuntimeOptions {
  /** `cpu` if left out. */
  readonly device?: Device;
  /** Threads within one operation on the cpu; all cores if left out. */
  readonly threads?: number;
  /**
   * `node` is the package's own interface. `c` calls the same library through koffi: outputs are written in place and
   * never copied, and the event loop stays alive while a graph runs; for the cpu only. `auto` takes `c` where it works.
   */
  readonly api?: "auto" | "node" | "c";
}

/**
 * Loads ONNX Runtime. Throws `MF_RUNTIME_MISSING` when it is not installed, `MF_DEVICE_MISSING` for a device that is not
 * usable here, `MF_RUNTIME_API` when the C API is asked for by name and is not usable.
 */
export async function openRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { device = "cpu", threads = availableParallelism(), api = "auto" } = options;
  if (api === "node" || (api === "auto" && device !== "cpu")) return openNodeApi(device, threads);
  try {
    if (device !== "cpu") throw new Error(`it is bound to memory of the cpu, not of ${device}`);
    return await openCApi(threads);
  } catch (cause) {
    if (api === "c") throw runtimeErrors.MF_RUNTIME_API({ reason: reasonOf(cause) }, { cause });
    return openNodeApi(device, threads);
  }
}
