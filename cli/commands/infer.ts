import type { Command } from "commander";
import type { HostTensor } from "../../core/data/host-tensor.ts";
import { errors } from "../../core/errors.ts";
import { addCommand, type Context, type Declare, readNumbers, wholeNumber, withModel } from "../command.ts";
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
  const command = addCommand(program, "infer", "ask a trained model: the arrays of a file in, its answer as JSON out", [
    "mf infer particle-ebm-001 --input observations.json",
    "mf infer particle-ebm-001 --input observations.npz --task.inference.samples 512 --out actions.json",
    "mf infer runs/panda-meanflow-001 --pose 0.5,0.1,0.4,0,1,0,0",
    "mf infer panda-meanflow-001 --input poses.npz --samples 8 --polish 2 --out joints.json",
    "mf infer panda.onnx --pose 0.5,0.1,0.4,0,1,0,0",
  ]);
  withModel(command, "run or .onnx file")
    .option("--input <file>", "the task's arrays by name: .json, .npz, .npy or .safetensors")
    .option("--out <file.json>", "write the answer there")
    .option("--pose <x,y,z,qw,qx,qy,qz>", "ik, in place of --input: one pose (m)")
    .option("--reference <q1,q2,…>", "ik: the joint values to start from (rad, m)")
    .option("--samples <n>", "ik: solutions of each pose", wholeNumber(1))
    .option("--polish <k>", "ik: steps of damped least squares on each solution", wholeNumber(0))
    .option("--seed <n>", "ik: decides which further solutions are tried", wholeNumber(0))
    .addHelpText("after", `\n${inputHelp}`)
    .action((words: string[], flags: InferFlags) => inferCommand(words, flags, command, context));
};

const inputHelp = `Inputs of the tasks, in --input; a .json file is an object of lists of numbers:
  ik        pose [N, 7]: x y z (m), quaternion w x y z; reference [N, joints] (rad, m), or none
  particle  observation [N, 4·dims], or [N, 2, 4·dims] with the one 50 ms before first:
            position, velocity, first goal, second goal; in 2-D, standing still:
            {"observation": [[0.2, 0.8, 0, 0, 0.6, 0.1, 0.3, 0.3]]}`;

async function inferCommand(
  words: readonly string[],
  flags: InferFlags,
  command: Command,
  context: Context,
): Promise<void> {
  const { samples, polish, seed, out } = flags;
  const { inputs, source } = await readInputs(flags);
  const options = Object.fromEntries(
    Object.entries({ samples, polish, seed }).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
  const asked = await openToAsk(words, flags, command, context);
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
      problem: "Give either --input or --pose.",
      usage: "For example: --input observations.json, or for inverse kinematics --pose 0.5,0.1,0.4,0,1,0,0",
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
