import { expect, test } from "vitest";
import { number, words } from "../../../cli/page/format.ts";

test.each([
  ["val/position_error_mm", "position error, mm"],
  ["val/position_error_mm_p95", "position error (p95), mm"],
  ["val/joint_error_deg_lower_body", "joint error (lower body), °"],
  ["val/forward_speed_error_m_per_s", "forward speed error, m/s"],
  ["system/step_s", "step, s"],
  ["system/memory_mib", "memory, MiB"],
  ["system/steps_per_second", "steps per second"],
  // No seconds.
  ["train/s_curve_s_shape", "s curve s shape"],
  ["train/loss/distillation", "loss/distillation"],
  ["linear", "linear"],
])("%s is called %s", (name, called) => {
  expect(words(name)).toBe(called);
});

test.each([
  [null, "–"],
  [Number.NaN, "–"],
  [0, "0"],
  [1_299_146, "1\u2009299\u2009146"],
  [12_345.6, "12\u2009346"],
  [0.123456, "0.1235"],
  [2.5e-5, "2.50e-5"],
  [-3e8, "-3.00e8"],
])("%s is written %s", (value, written) => {
  expect(number(value)).toBe(written);
});
