import { runtimeErrors } from "./errors.ts";

/** Something that is freed once: when it is released, or after the uses of it that are then in progress. */
export interface Lifetime {
  /** Throws `MF_GRAPH_RUN` once released. */
  check(): void;
  /** Keeps it until `work` is done. Throws as `check` does. */
  use<T>(work: () => Promise<T>): Promise<T>;
  release(): void;
}

export function lifetime(model: string, free: () => void): Lifetime {
  let uses = 0;
  let released = false;
  const check = () => {
    if (released) throw runtimeErrors.MF_GRAPH_RUN({ model, reason: "it was released before" });
  };
  return {
    check,
    async use(work) {
      check();
      uses++;
      try {
        return await work();
      } finally {
        uses--;
        if (released && uses === 0) free();
      }
    },
    release() {
      if (!released && uses === 0) free();
      released = true;
    },
  };
}
