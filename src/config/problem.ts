import { OperatorError } from '../support/operator-error.ts'

/** Keys and list indices from the top of the file to a value. */
export type Path = readonly (string | number)[]

/** Something wrong in the config, by where it stands: one line for the operator, fix included. */
export interface Problem {
  readonly path: Path
  /** Whether the key or what it holds is to be pointed at; the value by default. */
  readonly at?: 'key' | 'value'
  readonly message: string
}

/** Both count from 1; a column is a UTF-16 unit, as editors count. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A problem whose place in the file is known. */
export interface Located extends Position {
  readonly message: string
}

/** How many are listed: the rest tends to follow from the first. */
const listed = 20

/**
 * One error that lists every problem as `file:line:column: message`, in the order of the file.
 * Its kind is `config`: exit code 3.
 */
export function configError(file: string, problems: readonly Located[]): OperatorError {
  const lines = [...new Set(problems.toSorted(byPosition).map((problem) => inFile(file, problem)))]
  const more = lines.length - listed
  if (more > 0) lines.splice(listed, more, `and ${more} more`)
  return new OperatorError(lines.join('\n'), {
    kind: 'config',
    hint: `correct ${lines.length === 1 ? 'it' : 'these'}, then run: rekeyd check-config --config ${file}`,
  })
}

/** A value as an error may show it: nothing long, nothing that moves the cursor. */
export function quoted(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?')
  return plain.length > 40 ? `\`${plain.slice(0, 37)}…\`` : `\`${plain}\``
}

function byPosition(a: Located, b: Located): number {
  return a.line - b.line || a.column - b.column
}

function inFile(file: string, { line, column, message }: Located): string {
  return `${file}:${line}:${column}: ${message}`
}
