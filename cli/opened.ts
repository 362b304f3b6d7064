import { errors } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { OpenedRun } from "../core/train.ts";
import type { Context } from "./command.ts";
import { knownRegistry, locateRun } from "./settings.ts";

export interface OpenFlags {
  readonly checkpoint?: string;
  readonly backend?: string;
}

/** Opens a run as the user names it, with the configuration it was trained with, on another backend where asked. */
export async function open(place: string, { checkpoint, backend }: OpenFlags, context: Context): Promise<OpenedRun> {
  const path = locateRun(context, place);
  const [{ openRun }, { backendSchema }, { configFromData }, registry] = await Promise.all([
    import("../core/train.ts"),
    import("../core/config/schema.ts"),
    import("../core/config/resolve.ts"),
    knownRegistry(context),
  ]);
  if (!backendSchema.optional().safeParse(backend).success) {
    throw errors.MF_UNKNOWN({ kind: "backend", name: backend!, known: backendSchema.def.innerType.options });
  }
  const configOf = (saved: Json) =>
    configFromData(backend === undefined ? saved : { ...(saved as Record<string, Json>), backend }, registry);
  return openRun(path, { configOf, log: context.output, ...(checkpoint === undefined ? {} : { which: checkpoint }) });
}
