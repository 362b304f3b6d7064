import type { Registry } from "../core/config/registry.ts";

/** Everything that names may stand for. */
export async function loadRegistry(): Promise<Registry> {
  const [{ plugins, generators, converters, inspectors }, { presets }, { optimizers }] = await Promise.all([
    import("../plugins/index.ts"),
    import("../presets/index.ts"),
    import("../core/optimizer/index.ts"),
  ]);
  return { plugins, generators, converters, inspectors, presets, optimizers };
}
