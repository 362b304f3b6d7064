import type { TensorMemory } from "../../engine/wasm-memory.ts";
import type { DType, Shape, Values } from "../node.ts";
import { byteLength, type HeapTensor, viewOf } from "../runtime/heap.ts";

export type Buffers = ReturnType<typeof createBuffers>;

/** Named memory beside the training state, in the same heap: what a step is fed and what it puts out. */
export function createBuffers({ memory, allocate }: TensorMemory) {
  const places = new Map<string, HeapTensor>();
  const blocks: { free(): void }[] = [];
  return {
    /** Makes it on first use. */
    reserve(name: string, { shape, dtype }: { readonly shape: Shape; readonly dtype: DType }): HeapTensor {
      let place = places.get(name);
      if (place === undefined) {
        const block = allocate(byteLength({ shape, dtype, address: 0 }));
        blocks.push(block);
        place = { dtype, shape, address: block.address };
        places.set(name, place);
      }
      return place;
    },
    place: (name: string): HeapTensor => places.get(name)!,
    /** Its values now; the view is good until the heap grows. */
    view: (name: string): Values => viewOf(memory, places.get(name)!),
    dispose(): void {
      for (const block of blocks) block.free();
      blocks.length = 0;
      places.clear();
    },
  };
}
