import type * as Koffi from "koffi";

/**
 * The stack of an asynchronous call. koffi's default of 128 KiB is made for small functions; a matrix product of ONNX
 * Runtime alone keeps 64 KiB of panels on it.
 */
export const KOFFI_STACK_BYTES = 8 << 20;

/**
 * Loads koffi, with stacks that a whole runtime fits in where it still takes sizes: until the process loads its first
 * library. Throws when koffi is not installed.
 */
export async function loadKoffi(): Promise<typeof Koffi> {
  const koffi = await import("koffi");
  try {
    if (koffi.config().async_stack_size !== KOFFI_STACK_BYTES)
      koffi.config({
        async_stack_size: KOFFI_STACK_BYTES,
        sync_stack_size: KOFFI_STACK_BYTES,
        resident_async_pools: 1,
      });
  } catch {
    // Too late. Who needs the stacks looks at koffi.config().
  }
  return koffi;
}
