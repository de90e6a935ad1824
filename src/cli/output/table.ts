import { type Colour, plain, type Style } from './style.ts'

/** Text, or text with a colour. */
export type Cell = string | { readonly text: string; readonly colour: Colour }

/** Columns under a heading, two spaces apart; one that is empty throughout is left out. Ends in a newline. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: Style,
): string {
  const shown = heading.map((_, column) => rows.some((row) => textOf(row[column]) !== ''))
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => length(textOf(row[column])))),
  )
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, column) => padded(cell, widths[column] ?? 0, style))
      .filter((_, column) => shown[column])
      .join('  ')
      .trimEnd()
  const head = heading.map((text) => ({ text, colour: 'bold' as const }))
  return [head, ...rows].map((row) => `${line(row)}\n`).join('')
}

/** Names and what they are, one a line, indented. */
export function list(
  entries: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const known = entries.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(0, ...known.map(([name]) => name.length))
  return known.map(([name, value = '']) => `  ${name.padEnd(width)}  ${plain(value)}\n`).join('')
}

function padded(cell: Cell, width: number, style: Style): string {
  const text = textOf(cell)
  const blanks = ' '.repeat(width - length(text))
  return (typeof cell === 'string' ? text : style(cell.colour, text)) + blanks
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return ''
  return plain(typeof cell === 'string' ? cell : cell.text)
}

function length(text: string): number {
  return Array.from(text).length
}
