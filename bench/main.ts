import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { environment } from "../core/engine/probe.ts";
import { contenders } from "./contenders.ts";
import { measure, type Row } from "./row.ts";
import { table } from "./table.ts";
import { workloads } from "./workloads.ts";

/*
 * npm run bench -- [--samples 9] [--large] [--rows text] [--contenders text] [--json file]
 *
 * One table; what counts is the ratios within a row, whose contenders take turns. `--large` adds the rows that take
 * gigabytes and minutes; `--rows` and `--contenders` keep those whose name contains a text.
 */
const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "9" },
    large: { type: "boolean", default: false },
    rows: { type: "string", default: "" },
    contenders: { type: "string", default: "" },
    json: { type: "string" },
  },
});
const chosen = contenders.filter(({ name }) => name.includes(values.contenders));
const rows: Row[] = [];
for (const workload of workloads(values.large).filter(({ name }) => name.includes(values.rows))) {
  console.error(workload.name);
  rows.push(await measure(workload, chosen, Number(values.samples)));
}
const report = { environment: environment(), rows };
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
const { cpu, cores, node } = report.environment;
console.log(`${cpu}, ${cores} cores, Node ${node}\n`);
console.log(
  table(
    rows,
    chosen.map(({ name }) => name),
  ),
);
