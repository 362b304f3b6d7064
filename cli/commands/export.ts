import type { Command } from "commander";
import { errors } from "../../core/errors.ts";
import type { Exported, ExportedOnnx, SavedSpec } from "../../core/export/export.ts";
import { addCommand, type Context, type Declare, withModel } from "../command.ts";
import { changedSettings, type OpenFlags, open } from "../opened.ts";
import { table } from "../output.ts";

interface ExportFlags extends OpenFlags {
  readonly format?: string;
  readonly out?: string;
}

const formats = ["onnx", "safetensors"] as const;
type Format = (typeof formats)[number];

export const declareExport: Declare = (program, context) => {
  const command = addCommand(program, "export", "write a trained model as one file for other programs", [
    "mf export runs/panda-meanflow-001",
    "mf export panda-meanflow-001 --checkpoint last --format safetensors --out panda.safetensors",
    "mf export particle-ebm-001 --task.inference.samples 256",
  ]);
  withModel(command, "run")
    .option(
      "--format <name>",
      "onnx (the whole inference) or safetensors (the parameters); default: as --out, else onnx",
    )
    .option("--out <file>", "the file to write; default: <run>.<format> here")
    .action((words: string[], flags: ExportFlags) => exportCommand(words, flags, command, context));
};

async function exportCommand(
  words: readonly string[],
  flags: ExportFlags,
  command: Command,
  context: Context,
): Promise<void> {
  const format = formatOf(flags);
  const { run, changes } = await open(words, flags, command, context);
  try {
    const { exportOnnx, exportSafetensors } = await import("../../core/export/export.ts");
    const file = flags.out ?? `${run.run}.${format}`;
    if (format === "safetensors") {
      const exported = await exportSafetensors(run, file);
      context.output.emit({ format, ...exported, changes }, () =>
        [written(exported), ...changedSettings(changes)].join("\n"),
      );
      return;
    }
    const exported = await exportOnnx(run, file, context.output);
    context.output.emit({ format, ...exported, changes }, () =>
      [described(exported), ...changedSettings(changes)].join("\n"),
    );
  } finally {
    await run.close();
  }
}

function formatOf({ format, out }: ExportFlags): Format {
  const ending = out === undefined ? undefined : /\.([^./\\]+)$/.exec(out)?.[1];
  const name = format ?? ending ?? "onnx";
  const found = formats.find((known) => known === name);
  if (found === undefined) throw errors.MF_UNKNOWN({ kind: "format", name, known: formats });
  if (out !== undefined && ending !== found) {
    throw errors.MF_USAGE({
      problem: `--out: "${out}" does not end in .${found}.`,
      usage: "Name the file after its format.",
    });
  }
  return found;
}

const written = ({ file, bytes, checkpoint, step }: Exported): string =>
  `Written to ${file}: ${(bytes / 1e6).toFixed(1)} MB, ${checkpoint}, step ${step}.`;

function described(exported: ExportedOnnx): string {
  const { opset, irVersion, nodes, inputs, outputs, verification: v } = exported;
  const checked =
    v === null
      ? []
      : [
          `Checked with ${v.runtime}, on ${v.rows.join(", ")} rows: at most ${v.maxAbsolute.toExponential(1)} ` +
            `from the model's outputs (relative ${v.maxRelative.toExponential(1)}).`,
        ];
  return [
    written(exported),
    `ONNX opset ${opset}, IR version ${irVersion}, ${nodes} nodes.`,
    table(
      ["", "name", "type", "unit"],
      [
        ...Object.entries(inputs).map((entry) => ["input", ...columns(entry)]),
        ...Object.entries(outputs).map((entry) => ["output", ...columns(entry)]),
      ],
    ),
    ...checked,
  ].join("\n");
}

const columns = ([name, { shape, dtype, unit }]: [string, SavedSpec]): string[] => [
  name,
  `${dtype} [${shape.join(", ")}]`,
  unit ?? "",
];
