/** Where a key stands, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

// A comment, a string, a word or number, or one mark of punctuation.
const token = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|[{}[\]:,]|[^\s{}[\]:,"'/]+/g;

/** The positions of all keys of well-formed JSON5 text, by the JSON text of their paths. Elements of lists are left out. */
export function keyPositions(text: string): Map<string, Position> {
  const positions = new Map<string, Position>();
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  const path: string[] = [];
  const nesting: ("{" | "[")[] = [];
  let last: { readonly text: string; readonly at: number } | undefined;
  for (const { 0: word, index: at } of text.matchAll(token)) {
    if (word.startsWith("//") || word.startsWith("/*")) continue;
    if (word === "{" || word === "[") nesting.push(word);
    else if (word === ":" && nesting.at(-1) === "{" && last !== undefined) {
      path.push(last.text.replace(/^(["'])([\s\S]*)\1$/, "$2"));
      const line = lineStarts.findLastIndex((start) => start <= last!.at);
      if (!nesting.includes("[")) {
        positions.set(JSON.stringify(path), { line: line + 1, column: last.at - lineStarts[line]! + 1 });
      }
    } else if (word === "," && nesting.at(-1) === "{") path.pop();
    else if (word === "}" || word === "]") {
      nesting.pop();
      // A comma may stand after the last value, and has then ended its key already.
      if (word === "}" && last?.text !== "," && last?.text !== "{") path.pop();
    }
    last = { text: word, at };
  }
  return positions;
}
