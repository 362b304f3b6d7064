import { DOMParser, type Element, Node } from "@xmldom/xmldom";
import { parameterErrors } from "./errors.ts";
import { isKnownGroup, type LocatedParameter } from "./space.ts";

/**
 * The parameters of an environment document: `<parameter><gait><stride min max default/>…</gait>…</parameter>`, at its
 * root or inside it. Elements are groups and, in them, parameters; `known="true|false"` overrides what the group says.
 * All else in the document, and attributes that say how a simulator samples or shows a parameter, is none of its
 * concern.
 */
export function parseEnvironment(text: string, path: string): LocatedParameter[] {
  const root = parseXml(text, path);
  const sections = root.tagName === "parameter" ? [root] : Array.from(root.getElementsByTagName("parameter"));
  if (sections.length !== 1) {
    const found = sections.length === 0 ? "no <parameter> element" : `${sections.length} <parameter> elements`;
    throw parameterErrors.MF_GAIT_XML({
      at: at(path, sections[1] ?? root),
      problem: `the document has ${found}, and one is due`,
    });
  }
  return childElements(sections[0]!).flatMap((group) => {
    const elements = childElements(group);
    if (elements.length > 0) return elements.map((element) => describe(element, group.tagName, path));
    const problem = `the group <${group.tagName}> holds no parameters; a parameter is an element in its group's`;
    throw parameterErrors.MF_GAIT_XML({ at: at(path, group), problem });
  });
}

function describe(element: Element, group: string, path: string): LocatedParameter {
  const where = at(path, element);
  const name = `${group}_${element.tagName}`;
  const fail = (problem: string) => parameterErrors.MF_GAIT_PARAMETER({ at: where, parameter: name, problem });
  const number = (attribute: string): number => {
    const text = element.getAttribute(attribute)?.trim();
    if (!text) throw fail(`has no ${attribute}="…". Add it`);
    const value = /^[-+.\deE]+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isFinite(value)) throw fail(`has ${attribute}="${text}", which is no number. Correct it`);
    return value;
  };
  const known = element.getAttribute("known") ?? String(isKnownGroup(group));
  if (known !== "true" && known !== "false") throw fail(`has known="${known}". Write "true" or "false"`);
  const parameter = { name, group, min: number("min"), max: number("max"), default: number("default") };
  return { at: where, parameter: { ...parameter, known: known === "true" } };
}

function parseXml(text: string, path: string): Element {
  let reported: { problem: string; line: number } | undefined;
  try {
    const document = new DOMParser({
      onError: (_level, problem, context) => {
        reported ??= { problem, line: context?.locator?.lineNumber ?? 1 };
      },
    }).parseFromString(text, "text/xml");
    if (reported === undefined && document.documentElement !== null) return document.documentElement;
  } catch (error) {
    if (reported === undefined) throw error;
  }
  const problem = `not well-formed XML: ${(reported?.problem ?? "it is empty").replace(/[.!]+$/, "")}`;
  throw parameterErrors.MF_GAIT_XML({ at: `${path}:${Math.max(1, reported?.line ?? 1)}`, problem });
}

const at = (path: string, { lineNumber }: { lineNumber?: number }): string => `${path}:${lineNumber ?? 1}`;

function childElements(parent: Element): Element[] {
  const found: Element[] = [];
  for (let node = parent.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === Node.ELEMENT_NODE) found.push(node as Element);
  }
  return found;
}
