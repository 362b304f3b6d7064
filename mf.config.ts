import { defineConfig } from "./core/index.ts";
import { earlyStopping } from "./plugins/index.ts";
import { pandaMeanflow } from "./presets/index.ts";

// The worked example: a preset, with one plugin changed and two settings of its own. Outside this repository the imports
// are "motionforge", "motionforge/plugins" and "motionforge/presets". `mf config` shows where each value comes from.
export default defineConfig({
  extends: pandaMeanflow(),
  plugins: [earlyStopping({ metric: "val/position_error_mm", patience: 10 })],
  train: { steps: 5000, batchSize: 512 },
});
