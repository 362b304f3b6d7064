/** The parts of the WebAssembly API used here: neither TypeScript's ES2023 library nor Node's types describe them. */
interface WebAssemblyApi {
  /** Sizes in pages of 64 KiB. */
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum?: number;
  }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

export interface WasmMemory {
  /** Another object after the memory has grown; the old one is detached. */
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
