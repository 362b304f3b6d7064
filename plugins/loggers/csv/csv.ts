/** Comma-separated values as RFC 4180 writes them: lines end with CR LF, quotes where a cell needs them. */

export const END = "\r\n";

export const encodeLine = (cells: readonly string[]): string => `${cells.map(encodeCell).join(",")}${END}`;

const encodeCell = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** The cells of a line that is whole and holds no line break within quotes. */
export const decodeLine = (line: string): string[] =>
  Array.from(`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
