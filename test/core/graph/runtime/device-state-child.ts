import { InferenceSession } from "onnxruntime-node";
import { openDeviceState } from "../../../../core/graph/runtime/device-state.ts";
import type { Device } from "../../../../core/graph/runtime/runtime.ts";
import { momentumStep, normals } from "./models.ts";

const [batch, width] = [8, 16];
const square = [width, width];

interface Runnable {
  run(feeds: InferenceSession.FeedsType): Promise<unknown>;
}

/** Where the state `w` lay at every run that was given it; "cpu" is the host's memory. */
function watchLocations(): string[] {
  const locations: string[] = [];
  const { prototype } = InferenceSession as unknown as { readonly prototype: Runnable };
  const { run } = prototype;
  prototype.run = function (feeds) {
    locations.push(feeds["w"]!.location);
    return run.call(this, feeds);
  };
  return locations;
}

/** Four steps, the state read after two and after four; then one step from the start again. */
export async function trained(device: Device) {
  const step = await openDeviceState({
    bytes: momentumStep(batch, width),
    name: "the step",
    device,
    state: ["w", "m", "frozen"].map((name) => ({ name, dtype: "float32", shape: square })),
  });
  const start = () =>
    step.load({
      w: normals("w", square),
      m: { dtype: "float32", shape: square, data: new Float32Array(width * width) },
      frozen: normals("frozen", square),
    });
  const losses: number[] = [];
  const run = async (at: number) => {
    const outputs = await step.run({
      x: normals(`x${at}`, [batch, width]),
      y: normals(`y${at}`, [batch, width]),
      rate: { dtype: "float32", shape: [], data: Float32Array.of(0.5) },
    });
    losses.push((outputs["loss"]!.data as Float32Array)[0]!);
    return Object.keys(outputs);
  };
  const values = async () =>
    Object.fromEntries(
      Object.entries(await step.read()).map(([name, { data }]) => [name, Array.from(data as Float32Array)]),
    );
  start();
  const outputs = await run(0);
  await run(1);
  const afterTwo = await values();
  await run(2);
  await run(3);
  const afterFour = await values();
  start();
  await run(0);
  const restarted = await values();
  await step.dispose();
  return { outputs, losses, afterTwo, afterFour, restarted };
}

export type Trained = Awaited<ReturnType<typeof trained>>;

if (process.argv[2] === "webgpu") {
  const locations = watchLocations();
  console.log(JSON.stringify({ ...(await trained("webgpu")), locations }));
}
