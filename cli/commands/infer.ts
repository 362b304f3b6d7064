import type { HostTensor } from "../../core/data/host-tensor.ts";
import { errors } from "../../core/errors.ts";
import { addCommand, type Context, type Declare, readNumbers, wholeNumber } from "../command.ts";
import { type OpenFlags, openToAsk } from "../opened.ts";
import { pretty } from "../output.ts";

interface InferFlags extends OpenFlags {
  readonly pose?: string;
  readonly reference?: string;
  readonly input?: string;
  readonly samples?: number;
  readonly polish?: number;
  readonly seed?: number;
  readonly out?: string;
}

export const declareInfer: Declare = (program, context) => {
  addCommand(program, "infer", "ask a trained model", [
    "mf infer runs/panda-meanflow-001 --pose 0.5,0.1,0.4,0,1,0,0",
    "mf infer panda-meanflow-001 --input poses.npz --samples 8 --polish 2 --out joints.json",
    "mf infer panda.onnx --pose 0.5,0.1,0.4,0,1,0,0",
  ])
    .argument("<model>", "a run, a checkpoint, or an .onnx file of mf export")
    .option("--pose <x,y,z,qw,qx,qy,qz>", "one pose (m)")
    .option("--reference <q1,q2,…>", "the joint values to start from (rad, m)")
    .option("--input <file>", "many inputs: .json, .npz, .npy or .safetensors")
    .option("--samples <n>", "solutions of each input", wholeNumber(1))
    .option("--polish <k>", "steps of damped least squares on each solution", wholeNumber(0))
    .option("--seed <n>", "decides what is drawn at random", wholeNumber(0))
    .option("--out <file.json>", "write the answer there")
    .option("--checkpoint <which>", "of a run: best, last, or a name; default: best, else last")
    .option("--backend <name>", "auto, tensorflow, wasm or cpu; default: as in the run")
    .action((place: string, flags: InferFlags) => inferCommand(place, flags, context));
};

async function inferCommand(place: string, flags: InferFlags, context: Context): Promise<void> {
  const { samples, polish, seed, out } = flags;
  const { inputs, source } = await readInputs(flags);
  const options = Object.fromEntries(
    Object.entries({ samples, polish, seed }).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
  const asked = await openToAsk(place, flags, context);
  try {
    const answer = await asked.answer({ inputs, source, options });
    if (out === undefined) {
      context.output.emit(answer, () => pretty(answer));
      return;
    }
    const { writeAtomically } = await import("../../core/data/bytes.ts");
    await writeAtomically(out, `${JSON.stringify(answer, null, 2)}\n`);
    context.output.emit({ out, checkpoint: asked.model }, () => `Written to ${out}.`);
  } finally {
    await asked.close();
  }
}

async function readInputs({ pose, reference, input, out }: InferFlags) {
  if (out !== undefined && !out.endsWith(".json")) {
    throw errors.MF_USAGE({ problem: `--out: "${out}" is no .json file.`, usage: "Answers are written as JSON." });
  }
  if ((pose === undefined) === (input === undefined)) {
    throw errors.MF_USAGE({
      problem: "Give either --pose or --input.",
      usage: "For example: --pose 0.5,0.1,0.4,0,1,0,0",
    });
  }
  const given = {
    ...(pose === undefined ? {} : { pose: row(readNumbers("--pose", pose, 7)) }),
    ...(reference === undefined ? {} : { reference: row(readNumbers("--reference", reference)) }),
  };
  if (input === undefined) return { inputs: given, source: "--pose" };
  const { readArrays } = await import("../../core/data/files.ts");
  return { inputs: { ...(await readArrays(input)), ...given }, source: input };
}

const row = (values: readonly number[]): HostTensor => ({
  dtype: "float64",
  shape: [1, values.length],
  data: Float64Array.from(values),
});
