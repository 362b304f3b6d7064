import colors from "picocolors";
import type { Assembly, Declaration } from "../../core/assemble.ts";
import type { ResolvedConfig } from "../../core/config/resolve.ts";
import type { Hooks } from "../../core/hooks.ts";
import { addCommand, type Context, type Declare, withSettings } from "../command.ts";
import { type ConfigOptions, readSettings, withConfigOptions } from "../settings.ts";

export const declareExplain: Declare = (program, context) => {
  const command = addCommand(
    program,
    "explain",
    "print the training loop with everything that acts in it, in its place",
    ["mf explain panda-meanflow", "mf explain panda-meanflow --no-ema --stats", "mf explain panda-meanflow --graph"],
  ).option(
    "--graph [file.onnx]",
    "print the training step as the graph engine records it, or write it for an ONNX viewer",
  );
  withConfigOptions(withSettings(command, "preset and settings")).action(
    async (words: string[], flags: ConfigOptions & { readonly graph?: string | true }) => {
      const config = (await readSettings(words, flags, context)).resolve();
      const assembly = await assembleOnly(config, context);
      if (flags.graph !== undefined) {
        await explainGraph(assembly, config.train.batchSize, flags.graph, context);
        await assembly.dispose();
        return;
      }
      const taps = tapsOf(assembly.hooks);
      context.output.emit(
        {
          preset: config.preset,
          task: assembly.task.name,
          optimizer: config.optimizer.name,
          plugins: assembly.plugins.map((p) => p.name),
          hooks: taps,
          declarations: assembly.declarations,
        },
        () => explain(config, assembly.declarations, taps).join("\n"),
      );
      await assembly.dispose();
    },
  );
};

async function explainGraph(
  assembly: Assembly,
  batchSize: number,
  file: string | true,
  { output }: Context,
): Promise<void> {
  const { recordStep } = await import("../../core/graph/step/record.ts");
  const graph = await recordStep(assembly, batchSize);
  if (file === true) {
    const { printGraph } = await import("../../core/graph/onnx/print.ts");
    const text = printGraph(graph);
    output.emit({ graph: text }, () => text);
    return;
  }
  const [{ toOnnx }, { cpuFusions }, { writeAtomically }] = await Promise.all([
    import("../../core/graph/onnx/model.ts"),
    import("../../core/graph/onnx/fusions.ts"),
    import("../../core/data/bytes.ts"),
  ]);
  const { bytes, nodes } = toOnnx(graph, { name: "step", fusions: cpuFusions });
  await writeAtomically(file, bytes);
  output.emit({ out: file, nodes }, () => `Written to ${file}: ${nodes} nodes.`);
}

async function assembleOnly(config: ResolvedConfig, { output }: Context): Promise<Assembly> {
  const [{ assemble }, { createRunControl }, { createMetricStream }, { useBackend }] = await Promise.all([
    import("../../core/assemble.ts"),
    import("../../core/run-control.ts"),
    import("../../core/metrics/stream.ts"),
    import("../../core/engine/backend.ts"),
  ]);
  await useBackend("cpu");
  return assemble(config.plugins, config.optimizer, {
    // A folder, as a run has one: plugins that write are in the loop too. Setting up writes nothing.
    run: createRunControl("explain", "runs/explain").run,
    settings: { ...config.train, learningRate: config.optimizer.options.lr, config: config.data },
    metrics: createMetricStream(output.warn),
    log: output,
  });
}

interface Tap {
  readonly plugin: string;
  readonly stage: number;
}

/** The taps of every hook, in the order they run. */
function tapsOf(hooks: Hooks): Record<string, readonly Tap[]> {
  return Object.fromEntries(
    Object.entries(hooks).map(([name, hook]) => [
      name,
      hook.taps.map((tap) => ({ plugin: tap.name, stage: tap.stage ?? 0 })),
    ]),
  );
}

function explain(
  { preset, train, optimizer }: ResolvedConfig,
  declarations: readonly Declaration[],
  taps: Readonly<Record<string, readonly Tap[]>>,
): string[] {
  const of = (kind: Declaration["kind"]): string[] =>
    declarations.filter((d) => d.kind === kind).map((d) => (d.name === d.plugin ? d.name : `${d.name} (${d.plugin})`));
  const lines: string[] = [];
  const say = (depth: number, title: string, entries: readonly string[]) => {
    const left = `${"  ".repeat(depth)}${title}`.padEnd(26);
    lines.push(entries.length === 0 ? colors.dim(`${left}–`) : `${left}${entries.join(", ")}`);
  };
  const hook = (depth: number, name: string) =>
    say(
      depth,
      name,
      (taps[name] ?? []).map(({ plugin, stage }) => (stage === 0 ? plugin : `${plugin} [stage ${stage}]`)),
    );
  const limits = [
    ...(train.steps === null ? [] : [`${train.steps} steps`]),
    ...(train.epochs === null ? [] : [`${train.epochs} epochs`]),
    ...(train.minutes === null ? [] : [`${train.minutes} minutes`]),
  ];

  say(0, "preset", preset === null ? [] : [preset]);
  say(0, "task", of("task"));
  say(0, "state", ["params", `${optimizer.name} moments`, ...of("slot")]);
  say(0, "saved beside the state", of("memory"));
  lines.push("");
  hook(0, "onStart");
  lines.push(`until ${limits.join(" or ") || "a plugin asks to stop"}:`);
  say(1, "data", [`${train.batchSize} samples${train.accumulate > 1 ? ` × ${train.accumulate} micro-batches` : ""}`]);
  const scalars = of("scalar");
  say(1, "scalars", scalars.some((name) => name.startsWith("lr")) ? scalars : ["lr (constant)", ...scalars]);
  say(1, "fixed values", of("fixed"));
  lines.push("  step");
  hook(2, "beforeStep");
  lines.push("    ┌ gradient tape");
  hook(3, "beforeForward");
  say(3, "loss terms", of("loss"));
  hook(3, "afterLoss");
  lines.push("    └");
  hook(2, "exchangeGradients");
  hook(2, "afterBackward");
  say(2, "optimizer", [optimizer.name]);
  hook(2, "afterUpdate");
  hook(1, "onStep");
  say(1, "on intervals", of("interval"));
  lines.push(`  ${train.validate === null ? "at the end" : `every ${train.validate}`}, validation`);
  say(2, "evaluators", of("evaluator"));
  say(
    2,
    "parameters",
    of("evaluation").length === 0 ? ["the trained ones"] : [`chosen by ${of("evaluation").join(", ")}`],
  );
  hook(2, "onValidate");
  lines.push("  when asked for, a checkpoint");
  hook(2, "onCheckpoint");
  hook(0, "onFinish");
  say(0, "drawn by mf report", of("section"));
  return lines;
}
