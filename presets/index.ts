import type { Preset } from "../core/config/define.ts";
import { gaitForward } from "./gait-forward.ts";
import { gaitForwardFast } from "./gait-forward-fast.ts";
import { pandaMeanflow } from "./panda-meanflow.ts";
import { pandaMeanflowGlobal } from "./panda-meanflow-global.ts";
import { pandaMeanflowV1 } from "./panda-meanflow-v1.ts";
import { particleEbm } from "./particle-ebm.ts";
import { particleEbmPaper } from "./particle-ebm-paper.ts";
import { particleMse } from "./particle-mse.ts";
import { ur10Meanflow } from "./ur10-meanflow.ts";

export {
  gaitForward,
  gaitForwardFast,
  pandaMeanflow,
  pandaMeanflowGlobal,
  pandaMeanflowV1,
  particleEbm,
  particleEbmPaper,
  particleMse,
  ur10Meanflow,
};

/** Every preset, for `mf presets` and `mf train <name>`. */
export const presets: readonly Preset[] = [
  pandaMeanflow,
  ur10Meanflow,
  pandaMeanflowV1,
  pandaMeanflowGlobal,
  particleEbm,
  particleEbmPaper,
  particleMse,
  gaitForward,
  gaitForwardFast,
];
