import { register } from "node:module";

let done = false;

/**
 * Makes Node take every .ts file as a module. In a folder without "type": "module" (which `npm init` makes) a config
 * would be CommonJS, and could not import this package. Registered last, so that it is asked before tsx's own loader.
 */
export function takeTypeScriptAsModules(): void {
  if (done) return;
  done = true;
  const load = `export const load = (url, context, next) =>
    next(url, /^file:(?!.*\\/node_modules\\/).*\\.ts(\\?|$)/.test(url) ? { ...context, format: "module" } : context);`;
  register(`data:text/javascript,${encodeURIComponent(load)}`);
}
