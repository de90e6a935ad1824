import type * as Yaml from 'yaml'
import type { Document, Node, Pair, Scalar, YAMLError } from 'yaml'
import { depthProblem } from './nesting.ts'
import { type Located, type Path, type Position, quoted } from './problem.ts'

/** Problems after which no more are looked for: they are shown to a person. */
const enough = 100

/** A parsed config that remembers where everything stands. */
export interface ConfigDocument {
  /** Plain values; every key is an own string key, and none is `__proto__`. */
  readonly value: unknown
  /** What keeps the text from being read at all; `value` is undefined then. */
  readonly problems: readonly Located[]
  /** Where the value at `path`, or its key, stands; the nearest thing around it where it is absent. */
  locate(path: Path, at?: 'key' | 'value'): Position
  /** A scalar as it was written, before YAML made a number or a date of it. */
  written(path: Path): string | undefined
}

/**
 * Reads YAML 1.2, strictly: one document, no duplicate keys, no tags, no `__proto__`, no alias that
 * multiplies. The messages are our own: those of the parser quote the text around an error.
 */
export async function parseConfigDocument(bytes: Uint8Array): Promise<ConfigDocument> {
  const yaml = await import('yaml')
  const decoded = decode(bytes)
  if ('problem' in decoded) return unread([decoded.problem])
  const tooDeep = depthProblem(decoded.text)
  if (tooDeep) return unread([tooDeep])

  // Uniqueness is checked below: the parser's own check is quadratic and names only one of the two.
  const document = yaml.parseDocument(decoded.text, {
    prettyErrors: false,
    stringKeys: true,
    resolveKnownTags: false,
    uniqueKeys: false,
    version: '1.2',
  })
  const position = positions(decoded.text)
  const problems = [
    ...[...document.errors, ...document.warnings].map((error) => ({
      ...position(error.pos[0]),
      message: syntaxMessage(error),
    })),
    ...nodeProblems(yaml, document, position),
  ]
  if (problems.length > 0) return unread(problems)
  try {
    return read(yaml, document, position)
  } catch {
    const message = 'aliases that stand for aliases; write out what they stand for'
    return unread([{ line: 1, column: 1, message }])
  }
}

function read(yaml: typeof Yaml, document: Document, position: (offset: number) => Position) {
  const start = (node: Node | null | undefined) => position(node?.range?.[0] ?? 0)
  return {
    value: document.toJS({ maxAliasCount: 100 }),
    problems: [],
    locate(path: Path, at: 'key' | 'value' = 'value') {
      const { key, value } = walk(yaml, document, path)
      return start(at === 'key' ? (key ?? value) : (value ?? key))
    },
    written(path: Path) {
      const { value, complete } = walk(yaml, document, path)
      return complete && yaml.isScalar(value) ? value.source : undefined
    },
  }
}

/** As far along `path` as the document goes. */
function walk(yaml: typeof Yaml, document: Document, path: Path) {
  let key: Node | undefined
  let value = document.contents as Node | undefined
  for (const segment of path) {
    const next = step(yaml, yaml.isAlias(value) ? value.resolve(document) : value, segment)
    // An absent key is shown by the key that holds the map, an absent item by its list.
    if (!next) return { key, value: key ?? value, complete: false }
    key = next.key
    value = next.value
  }
  return { key, value, complete: true }
}

function step(yaml: typeof Yaml, holder: Node | undefined, segment: string | number) {
  if (yaml.isSeq<Node>(holder)) {
    const value = holder.items[Number(segment)]
    return value && { key: undefined, value }
  }
  if (!yaml.isMap<Scalar, Node | undefined>(holder)) return undefined
  const pair = holder.items.find(({ key }) => key.value === segment)
  return pair && { key: pair.key, value: pair.value ?? undefined }
}

function nodeProblems(
  yaml: typeof Yaml,
  document: Document,
  position: (offset: number) => Position,
) {
  const problems: Located[] = []
  const add = (node: Node, message: string) =>
    problems.push({ ...position(node.range?.[0] ?? 0), message })
  const directives = document.directives?.yaml
  if (directives?.explicit && directives.version !== '1.2') {
    problems.push({ line: 1, column: 1, message: 'the config is YAML 1.2: remove the %YAML line' })
  }
  if (document.contents === null) {
    problems.push({ line: 1, column: 1, message: 'the file is empty; see `rekeyd init`' })
  }
  // Not `Alias.resolve`: each takes a walk over the whole document.
  const anchors = new Map<string, Node>()
  const anchored = (node: Node & { readonly anchor?: string }) => {
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
  }
  let aliases = 0
  yaml.visit(document, {
    Scalar: (_, scalar) => anchored(scalar),
    Seq: (_, seq) => anchored(seq),
    Map(_, map) {
      anchored(map)
      for (const [key, message] of keyProblems(map.items, position)) add(key, message)
      return problems.length < enough ? undefined : yaml.visit.BREAK
    },
    Alias(_, alias, ancestors) {
      if (++aliases > 100) {
        add(alias, 'more than 100 aliases')
        return yaml.visit.BREAK
      }
      const source = anchors.get(alias.source)
      if (!source) add(alias, 'this alias has no anchor before it')
      else if (ancestors.includes(source)) add(alias, 'this alias stands within its own anchor')
      return undefined
    },
  })
  return problems
}

function keyProblems(items: readonly Pair[], position: (offset: number) => Position) {
  const seen = new Map<string, Node>()
  const problems: [Node, string][] = []
  for (const { key } of items as Pair<Scalar>[]) {
    if (problems.length >= enough) break
    const name = String(key.value)
    const first = seen.get(name)
    if (name === '__proto__') problems.push([key, 'the key `__proto__` is not allowed'])
    if (name === '<<') problems.push([key, 'merge keys (`<<`) are not supported'])
    if (first) {
      const { line, column } = position(first.range?.[0] ?? 0)
      problems.push([key, `duplicate key ${quoted(name)}; the first is at ${line}:${column}`])
    } else seen.set(name, key)
  }
  return problems
}

function decode(bytes: Uint8Array): { text: string } | { problem: Located } {
  let text: string
  try {
    // Drops a byte order mark.
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { problem: { line: 1, column: 1, message: 'not UTF-8 text' } }
  }
  const control = /(?![\t\n\r])\p{Cc}/u.exec(text)
  if (!control) return { text }
  const before = text.slice(0, control.index).split('\n')
  const column = (before.at(-1) ?? '').length + 1
  return { problem: { line: before.length, column, message: 'a control character' } }
}

/** Offset to position. What is missing at the end may be reported beyond it. */
function positions(text: string): (offset: number) => Position {
  const lineStarts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)]
  return (offset) => {
    const within = Math.min(offset, text.length)
    let line = 0
    for (let step = 1 << 20; step > 0; step >>= 1) {
      if ((lineStarts[line + step - 1] ?? Infinity) <= within) line += step
    }
    return { line, column: within - (lineStarts[line - 1] ?? 0) + 1 }
  }
}

function unread(problems: readonly Located[]): ConfigDocument {
  return {
    value: undefined,
    problems,
    locate: () => ({ line: 1, column: 1 }),
    written: () => undefined,
  }
}

const syntaxMessages: Partial<Record<YAMLError['code'], string>> = {
  TAB_AS_INDENT: 'a tab indents this line; YAML allows only spaces',
  BAD_INDENT: 'wrong indentation: it must fit the lines above',
  BLOCK_AS_IMPLICIT_KEY:
    'a second `:` in this line; a value with `: ` in it must be quoted, a map starts on a line of its own',
  MULTILINE_IMPLICIT_KEY: 'this key goes over several lines; is a `:` or a quote missing?',
  MISSING_CHAR: 'something is missing here: a `:` after a key, a closing quote or bracket',
  BAD_SCALAR_START: 'a value that starts with this character must be quoted',
  BAD_DQ_ESCAPE: 'unknown escape in a double-quoted value; use single quotes, or double the `\\`',
  TAG_RESOLVE_FAILED: 'tags (`!…`) are not supported; quote a value that starts with `!`',
  MULTIPLE_DOCS: 'a second document starts here; the config is one',
  NON_STRING_KEY: 'a key must be a plain word',
  BAD_ALIAS: 'this alias is not valid; quote a value that starts with `*`',
  RESOURCE_EXHAUSTION: 'nested too deeply',
}

function syntaxMessage(error: YAMLError): string {
  return syntaxMessages[error.code] ?? 'this is not valid YAML'
}
