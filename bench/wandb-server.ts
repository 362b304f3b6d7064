import { parentPort, workerData } from "node:worker_threads";
import { type Behaviour, fakeWandb } from "../test/support/fake-wandb.ts";

/** A W&B server on loopback, in a thread of its own. Posts its address. */
const { url } = await fakeWandb(workerData as Behaviour);
parentPort!.postMessage(url);
