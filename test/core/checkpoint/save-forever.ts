import { saveCheckpoint } from "../../../core/checkpoint/store.ts";
import { draftAt, tensorsAt } from "./sample.ts";

// Saves until it is killed: by turns a checkpoint of a new name and the one named "last", which is replaced.
const directory = process.argv[2]!;
const first = Number(process.argv[3]);
for (let steps = first; ; steps++) {
  const name = steps % 2 === 0 ? "last" : `step-${String(steps).padStart(8, "0")}`;
  await saveCheckpoint(directory, name, draftAt(steps), tensorsAt(steps, 50_000));
  process.stdout.write(`${steps}\n`);
}
