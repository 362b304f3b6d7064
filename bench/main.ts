import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { useBackend } from "../core/engine/backend.ts";
import { environment } from "../core/engine/probe.ts";
import { createStepper, objectives, type Size } from "./meanflow.ts";
import { interleaved } from "./quiet.ts";

/*
 * npm run bench -- [--samples 9] [--large] [--json file]
 *
 * One table; what counts is the ratios within one run. Figures taken while other processes were busy are marked.
 */
const { values } = parseArgs({
  options: { samples: { type: "string", default: "9" }, large: { type: "boolean" }, json: { type: "string" } },
});

const sizes: Size[] = [
  { width: 128, depth: 3, condition: 128, batch: 256 },
  { width: 256, depth: 4, condition: 128, batch: 512 },
];
// 18 M parameters take seconds a step without a native BLAS.
if (values.large) sizes.push({ width: 1024, depth: 4, condition: 1024, batch: 256 });

const rows: Record<string, unknown>[] = [];
for (const blas of [false, true]) {
  const backend = await useBackend("wasm", { blas });
  if (blas && backend.blas === null) continue;
  console.error(backend.description);
  for (const size of sizes) {
    const steppers = await Promise.all(
      Object.entries(objectives(size)).map(
        async ([name, plugins]) => [name, await createStepper(plugins, size.batch)] as const,
      ),
    );
    const timed = await interleaved(
      Object.fromEntries(steppers.map(([name, { step }]) => [name, step])),
      Number(values.samples),
    );
    const base = timed["flow matching"]!.median_ms;
    for (const [objective, { median_ms, samples, noisy }] of Object.entries(timed)) {
      rows.push({
        backend: backend.description,
        parameters: steppers[0]![1].parameters,
        ...size,
        objective,
        step_ms: Number(median_ms.toFixed(1)),
        to_flow_matching: Number((median_ms / base).toFixed(3)),
        quiet: samples,
        noisy,
      });
    }
    for (const [, stepper] of steppers) stepper.dispose();
  }
}
console.table(rows);
const report = { environment: environment(), peak_memory_mb: Math.round(process.resourceUsage().maxRSS / 1024), rows };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
