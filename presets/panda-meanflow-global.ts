import { definePreset } from "../core/config/define.ts";
import { meanflowIk } from "./meanflow-ik.ts";

export const pandaMeanflowGlobal = definePreset({
  name: "panda-meanflow-global",
  summary: "Panda, global regime: from any configuration to a solution of any reachable pose",
  build: ({ quick }) => meanflowIk({ robot: "panda", regime: "global", quick }),
});
