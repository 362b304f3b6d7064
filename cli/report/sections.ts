import type { Log } from "../../core/plugin.ts";
import type { BuiltSection } from "../../core/report/figure.ts";
import type { OpenedRun } from "../../core/train.ts";

/** The figures of a trained model. A section that cannot be made is left out with a warning: the rest is worth having. */
export async function buildSections({ assembly, params, predict }: OpenedRun, log: Log): Promise<BuiltSection[]> {
  const built: BuiltSection[] = [];
  for (const { name, title, build } of assembly.sections) {
    try {
      built.push({ name, title, figure: await build(params, predict) });
    } catch (error) {
      log.warn(`The report's section "${name}" is left out: ${(error as Error).message}`);
    }
  }
  return built;
}
