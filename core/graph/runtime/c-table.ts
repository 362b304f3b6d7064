import type * as Koffi from "koffi";
import { KOFFI_STACK_BYTES, loadKoffi } from "./koffi.ts";
import { findPackage } from "./package.ts";

/** An address; null is C's. */
export type Pointer = bigint | null;
/** Where a function leaves a result: its first element. */
export type Out<T> = [T | null];
type Status = Pointer;

/** The functions of `OrtApi` (onnxruntime_c_api.h) used here. A status is null for success. */
export interface Functions {
  GetErrorMessage(status: Status): string;
  CreateEnv(logLevel: number, id: string, env: Out<bigint>): Status;
  CreateSessionFromArray: Asynchronous<
    [env: Pointer, bytes: Uint8Array, size: number, options: Pointer, session: Out<bigint>]
  >;
  CreateSessionOptions(options: Out<bigint>): Status;
  SetSessionLogSeverityLevel(options: Pointer, level: number): Status;
  SetSessionGraphOptimizationLevel(options: Pointer, level: number): Status;
  SetIntraOpNumThreads(options: Pointer, threads: number): Status;
  SetInterOpNumThreads(options: Pointer, threads: number): Status;
  SessionGetInputCount(session: Pointer, count: Out<number>): Status;
  SessionGetOutputCount(session: Pointer, count: Out<number>): Status;
  SessionGetInputName(session: Pointer, index: number, allocator: Pointer, name: Out<bigint>): Status;
  SessionGetOutputName(session: Pointer, index: number, allocator: Pointer, name: Out<bigint>): Status;
  CreateTensorWithDataAsOrtValue(
    memory: Pointer,
    address: number | bigint,
    byteLength: number,
    shape: BigInt64Array,
    rank: number,
    elementType: number,
    value: Out<bigint>,
  ): Status;
  GetTensorMutableData(value: Pointer, address: Out<bigint>): Status;
  GetTensorElementType(info: Pointer, elementType: Out<number>): Status;
  GetDimensionsCount(info: Pointer, rank: Out<number>): Status;
  GetDimensions(info: Pointer, shape: BigInt64Array, rank: number): Status;
  GetTensorTypeAndShape(value: Pointer, info: Out<bigint>): Status;
  CreateCpuMemoryInfo(allocator: number, memoryType: number, info: Out<bigint>): Status;
  AllocatorFree(allocator: Pointer, address: Pointer): Status;
  GetAllocatorWithDefaultOptions(allocator: Out<bigint>): Status;
  ReleaseStatus(status: Status): void;
  ReleaseSession(session: Pointer): void;
  ReleaseValue(value: Pointer): void;
  ReleaseTensorTypeAndShapeInfo(info: Pointer): void;
  ReleaseSessionOptions(options: Pointer): void;
  RunWithBinding: Asynchronous<[session: Pointer, options: Pointer, binding: Pointer]>;
  CreateIoBinding(session: Pointer, binding: Out<bigint>): Status;
  ReleaseIoBinding(binding: Pointer): void;
  BindInput(binding: Pointer, name: string, value: Pointer): Status;
  BindOutput(binding: Pointer, name: string, value: Pointer): Status;
  BindOutputToDevice(binding: Pointer, name: string, memory: Pointer): Status;
  GetBoundOutputValues(binding: Pointer, allocator: Pointer, values: Out<bigint>, count: Out<number>): Status;
}

interface Asynchronous<Arguments extends unknown[]> {
  (...args: Arguments): Status;
  async(...args: [...Arguments, (error: Error | null, status: Status) => void]): void;
}

/** Each function's place in `OrtApi`, which only ever grows at its end, and its arguments. */
const TABLE: Record<keyof Functions, readonly [index: number, result: string, args: string]> = {
  GetErrorMessage: [2, "const char *", "void *status"],
  CreateEnv: [3, "void *", "int level, const char *id, _Out_ void **env"],
  CreateSessionFromArray: [8, "void *", "void *env, void *bytes, size_t size, void *options, _Out_ void **session"],
  CreateSessionOptions: [10, "void *", "_Out_ void **options"],
  SetSessionLogSeverityLevel: [22, "void *", "void *options, int level"],
  SetSessionGraphOptimizationLevel: [23, "void *", "void *options, int level"],
  SetIntraOpNumThreads: [24, "void *", "void *options, int threads"],
  SetInterOpNumThreads: [25, "void *", "void *options, int threads"],
  SessionGetInputCount: [30, "void *", "void *session, _Out_ size_t *count"],
  SessionGetOutputCount: [31, "void *", "void *session, _Out_ size_t *count"],
  SessionGetInputName: [36, "void *", "void *session, size_t index, void *allocator, _Out_ void **name"],
  SessionGetOutputName: [37, "void *", "void *session, size_t index, void *allocator, _Out_ void **name"],
  CreateTensorWithDataAsOrtValue: [
    49,
    "void *",
    "void *memory, uintptr_t data, size_t bytes, int64_t *shape, size_t rank, int type, _Out_ void **value",
  ],
  GetTensorMutableData: [51, "void *", "void *value, _Out_ void **data"],
  GetTensorElementType: [60, "void *", "void *info, _Out_ int *type"],
  GetDimensionsCount: [61, "void *", "void *info, _Out_ size_t *rank"],
  GetDimensions: [62, "void *", "void *info, int64_t *shape, size_t rank"],
  GetTensorTypeAndShape: [65, "void *", "void *value, _Out_ void **info"],
  CreateCpuMemoryInfo: [69, "void *", "int allocator, int memory, _Out_ void **info"],
  AllocatorFree: [76, "void *", "void *allocator, void *data"],
  GetAllocatorWithDefaultOptions: [78, "void *", "_Out_ void **allocator"],
  ReleaseStatus: [93, "void", "void *status"],
  ReleaseSession: [95, "void", "void *session"],
  ReleaseValue: [96, "void", "void *value"],
  ReleaseTensorTypeAndShapeInfo: [99, "void", "void *info"],
  ReleaseSessionOptions: [100, "void", "void *options"],
  RunWithBinding: [133, "void *", "void *session, void *options, void *binding"],
  CreateIoBinding: [134, "void *", "void *session, _Out_ void **binding"],
  ReleaseIoBinding: [135, "void", "void *binding"],
  BindInput: [136, "void *", "void *binding, const char *name, void *value"],
  BindOutput: [137, "void *", "void *binding, const char *name, void *value"],
  BindOutputToDevice: [138, "void *", "void *binding, const char *name, void *memory"],
  GetBoundOutputValues: [140, "void *", "void *binding, void *allocator, _Out_ void **values, _Out_ size_t *count"],
};

/** The version of `OrtApi` asked for. A library serves every version up to its own with the same table. */
const API_VERSION = 20;
export const POINTER_BYTES = 8;

export interface CTable {
  readonly koffi: typeof Koffi;
  readonly version: string;
  readonly functions: Functions;
  /** koffi unloads a library that nobody holds. */
  readonly library: Koffi.LibraryHandle;
}

/** Opens the library of onnxruntime-node through koffi; once a process. Throws plain errors that say what is missing. */
export async function openTable(): Promise<CTable> {
  const { library: path, version: expected } = findPackage();
  const koffi = await loadKoffi();
  if (koffi.sizeof("void *") !== POINTER_BYTES) throw new Error("this is not a 64-bit system");
  if ((koffi.config().async_stack_size ?? 0) < KOFFI_STACK_BYTES)
    throw new Error("other code in this process loaded koffi first and left its stacks too small");
  const library = koffi.load(path);
  // struct OrtApiBase { const OrtApi *(*GetApi)(uint32_t); const char *(*GetVersionString)(void); }
  const base = library.func("void *OrtGetApiBase()")();
  const entry = (table: bigint, index: number, prototype: string) =>
    koffi.decode(koffi.decode(table, index * POINTER_BYTES, "void *"), koffi.proto(prototype));
  const version: string = entry(base, 1, "const char *()")();
  if (version !== expected) throw new Error(`its library calls itself ${version}, its package ${expected}`);
  const api: Pointer = entry(base, 0, "void *(uint32_t version)")(API_VERSION);
  if (api === null) throw new Error(`version ${version} does not serve version ${API_VERSION} of the C API`);
  const functions = Object.fromEntries(
    Object.entries(TABLE).map(([name, [index, result, args]]) => [name, entry(api, index, `${result}(${args})`)]),
  ) as unknown as Functions;
  return { koffi, version, functions, library };
}
