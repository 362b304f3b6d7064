import { definePreset } from "../core/config/define.ts";
import { meanflowIk } from "./meanflow-ik.ts";

export const ur10Meanflow = definePreset({
  name: "ur10-meanflow",
  summary: "UR10, servo regime: one-step inverse kinematics near a reference, sized for two cores",
  build: ({ quick }) => meanflowIk({ robot: "ur10", quick }),
});
