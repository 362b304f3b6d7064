import { createInterface } from "node:readline";
import { createEngine } from "./contenders.ts";
import { sample, span } from "./quiet.ts";
import { createStepper } from "./stepper.ts";
import type { Workload } from "./workloads.ts";

/*
 * child.ts <contender> <workload as JSON>
 *
 * One engine of this project on one workload. Tells of its first two steps in a line of JSON (the second still checks
 * what the first traced), then answers each line of its input with a sample. Ends with its input.
 */
const answer = (line: object): void => console.log(JSON.stringify(line));

try {
  const [name, workload] = process.argv.slice(2);
  const { engine, description } = await createEngine(name!);
  const { parameters, step } = await createStepper(JSON.parse(workload!) as Workload, engine);
  const firstTwoSteps = await span(async () => {
    await step();
    await step();
  });
  answer({ description, parameters, firstTwoSteps });
  for await (const _ of createInterface({ input: process.stdin })) {
    const sampled = await sample(step);
    answer({ ...sampled, peak_memory_mb: Math.round(process.resourceUsage().maxRSS / 1024) });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
