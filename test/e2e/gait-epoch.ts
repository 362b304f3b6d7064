import { gaitDataset, openGait } from "../../plugins/tasks/gait/data/source.ts";

/** Reads an epoch of a folder of motions under a memory limit (MiB), and tells its parent what memory it took (MiB). */
const [folder = "", limit = ""] = process.argv.slice(2);
const resident = (): number => process.memoryUsage().rss / 2 ** 20;
const batchSize = 1024;

const options = {
  data: folder,
  parameters: null,
  memoryMb: Number(limit),
  chunk: { rows: null, passes: 1 },
  validation: { files: 0.01 },
  skipBadFiles: false,
};
const source = await openGait(options, { info: () => {}, warn: () => {} });
const before = resident();
let peak = before;
const timer = setInterval(() => {
  peak = Math.max(peak, resident());
}, 20);
const dataset = await gaitDataset(source, batchSize);
let samples = 0;
for (let at = { epoch: 0, position: 0, seed: 0 }; at.epoch === 0; samples += batchSize) {
  at = (await dataset.read(at, batchSize)).next;
  peak = Math.max(peak, resident());
}
clearInterval(timer);
await dataset.close?.();
const motions = source.files!.training.reduce((sum, { rows }) => sum + rows, 0);
process.send!({ before, peak, samples, dataMb: (motions * (6060 + 279) * 4) / 2 ** 20 });
process.disconnect();
