/** One assignment of a unit file (systemd.syntax(7)). */
export interface Directive {
  readonly section: string
  readonly key: string
  readonly value: string
}

/** The assignments of a unit file or drop-in, in order. Lines that are none are passed over, as systemd does. */
export function parseUnitFile(text: string): readonly Directive[] {
  const directives: Directive[] = []
  let section = ''
  for (const line of logicalLines(text)) {
    const heading = /^\[([^\]]+)\]$/.exec(line)
    if (heading) section = heading[1] ?? ''
    const equals = line.indexOf('=')
    if (heading || equals <= 0) continue
    const [key, value] = [line.slice(0, equals).trim(), line.slice(equals + 1).trim()]
    directives.push({ section, key, value })
  }
  return directives
}

/** Lines without comments; one that ends in a backslash goes on in the next, comments between the two left out. */
function logicalLines(text: string): readonly string[] {
  const lines: string[] = []
  let begun: string | undefined
  for (const raw of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(raw)) continue
    const line = begun === undefined ? raw.trim() : `${begun} ${raw.trim()}`
    begun = line.endsWith('\\') ? line.slice(0, -1).trimEnd() : undefined
    if (begun === undefined && line !== '') lines.push(line)
  }
  if (begun !== undefined) lines.push(begun)
  return lines
}

/**
 * The values of a list, in which an empty assignment forgets those before it.
 * @param section `Service` for most
 */
export function valuesOf(
  directives: readonly Directive[],
  section: string,
  key: string,
): readonly string[] {
  const values = directives.filter((one) => one.section === section && one.key === key)
  const forgotten = values.findLastIndex(({ value }) => value === '')
  return values.slice(forgotten + 1).map(({ value }) => value)
}

/** Blanks, quoted pieces (an open quote ends with the text), escaped characters, and all else. */
const pieces = /(\s+)|"((?:\\[^]|[^"\\])*)(?:"|\\?$)|'([^']*)(?:'|$)|\\([^]?)|[^\s"'\\]+/g

/** Words by the quoting of systemd.syntax(7): both quotes, and a backslash before any character. */
export function wordsOf(value: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  for (const [piece, blank, double, single, escaped] of value.matchAll(pieces)) {
    if (blank === undefined) {
      word = (word ?? '') + (double?.replace(/\\([^])/g, '$1') ?? single ?? escaped ?? piece)
    } else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}
