import { definePreset } from "../core/config/define.ts";
import { meanflowIk } from "./meanflow-ik.ts";

export const pandaMeanflow = definePreset({
  name: "panda-meanflow",
  summary: "Panda, servo regime: one-step inverse kinematics near a reference, sized for two cores",
  build: ({ quick }) => meanflowIk({ robot: "panda", quick }),
});
