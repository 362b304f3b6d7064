import { addCommand, type Context, type Declare } from "../command.ts";
import { locateRun } from "../settings.ts";

export const declareWandb: Declare = (program, context) => {
  const wandb = program.command("wandb").description("what has to do with Weights & Biases").exitOverride();
  addCommand(wandb, "sync", "send to W&B what has not arrived there of runs", [
    "mf wandb sync panda-meanflow-001",
    "WANDB_API_KEY=… mf wandb sync runs/*",
  ])
    .argument("<run...>", "names or folders of runs that the plugin wandb recorded")
    .action((places: string[]) => syncCommand(places, context));
};

async function syncCommand(places: readonly string[], context: Context): Promise<void> {
  const [{ syncRun }, { lockRun, runOf }] = await Promise.all([
    import("../../plugins/loggers/wandb/index.ts"),
    import("../../core/run-folder.ts"),
  ]);
  const documents: object[] = [];
  for (const place of places) {
    const folder = await runOf(locateRun(context, place));
    const unlock = await lockRun(folder);
    try {
      for (const synced of await syncRun(folder.path, context.env, context.output)) {
        for (const problem of synced.leftOut) context.output.warn(`W&B did not take ${problem}`);
        documents.push({ run: folder.name, ...synced });
        if (!context.output.json)
          context.output.emit(null, () => `${folder.name}: ${synced.rows} rows, ${synced.page}`);
      }
    } finally {
      await unlock();
    }
  }
  if (context.output.json) context.output.emit({ runs: documents }, () => "");
}
