import { z } from "zod";
import { errors } from "./errors.ts";
import type { Clock } from "./run.ts";

/** How often something happens: "500 steps", "1 epochs", "10 minutes". A singular unit is accepted too. */
export type Interval = `${number} ${"step" | "steps" | "epoch" | "epochs" | "minute" | "minutes"}`;

export interface ParsedInterval {
  readonly every: number;
  readonly unit: "steps" | "epochs" | "minutes";
}

/** Throws MF_INTERVAL for anything but a positive count and a known unit. Steps and epochs are whole numbers. */
export function parseInterval(text: string): ParsedInterval {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(step|epoch|minute)s?\s*$/.exec(text);
  const every = Number(match?.[1]);
  const unit = `${match?.[2]}s` as ParsedInterval["unit"];
  if (match === null || !(every > 0) || (unit !== "minutes" && !Number.isInteger(every))) {
    throw errors.MF_INTERVAL({ value: text });
  }
  return { every, unit };
}

/**
 * Answers, after each step, whether an interval has come round. Steps and epochs are read off the clock, so a resumed
 * run keeps its rhythm; minutes count from the start of this process.
 */
export function createTimer(interval: string, start: Clock, now: () => number): (clock: Clock) => boolean {
  const { every, unit } = parseInterval(interval);
  if (unit === "minutes") {
    let last = now();
    return () => {
      if (now() - last < every * 60_000) return false;
      last = now();
      return true;
    };
  }
  let last = Math.floor(start[unit] / every);
  return (clock) => {
    const count = Math.floor(clock[unit] / every);
    const due = count > last;
    last = count;
    return due;
  };
}

/** An interval as an option. */
export const intervalSchema = z.custom<Interval>((value) => {
  try {
    parseInterval(String(value));
    return true;
  } catch {
    return false;
  }
}, 'must be an interval such as "500 steps", "1 epochs" or "10 minutes"');
