import type * as YamlModule from 'yaml'
import type { Node, Pair, ParsedNode, YAMLMap } from 'yaml'
import { slotError } from '../slot.ts'
import {
  lineBreakOf,
  lineEnd,
  listed,
  type Spot,
  type Syntax,
  type TextRange,
  wholeLines,
  writeDoubleQuoted,
} from './syntax.ts'

/** YAML 1.2, and 1.1 as far as strings go: they are always written in quotes, so `no` stays a word. */
export const yamlSyntax: Syntax = {
  name: 'YAML',
  async parse(text) {
    return (await read(text)).toJS() as unknown
  },
  async find(text, path) {
    return findYaml(await import('yaml'), text, (await read(text)).contents, path)
  },
  write(value, present) {
    const isSingle =
      present?.startsWith("'") && /^[^\p{Cc}\u2028\u2029\ufeff\ufffe\uffff]*$/u.test(value)
    return isSingle ? `'${value.replaceAll("'", "''")}'` : writeDoubleQuoted(value)
  },
}

type Yaml = typeof YamlModule

/** Parsing takes seconds for each megabyte. */
const longestText = 1024 * 1024

const stringTag = 'tag:yaml.org,2002:str'
/** Words that YAML 1.1 or 1.2 reads as something else than a string. */
const words = /^(y|n|yes|no|on|off|true|false|null)$/i

async function read(text: string) {
  const { LineCounter, parseDocument } = await import('yaml')
  if (text.length > longestText) {
    throw slotError('is larger than a YAML file may be', undefined, `at most ${longestText} bytes`)
  }
  const lineCounter = new LineCounter()
  // Pretty errors copy the line for each of them, and there may be as many as characters.
  const options = { logLevel: 'error', stringKeys: true, prettyErrors: false, lineCounter } as const
  const document = parseDocument(text, options)
  const [error] = document.errors
  if (!error) return document
  const { line, col: column } = lineCounter.linePos(error.pos[0])
  const at = { line, column }
  if (error.code === 'MULTIPLE_DOCS') throw slotError('has more than one YAML document', at)
  throw slotError(`is not valid YAML (${error.code})`, at)
}

function findYaml(
  yaml: Yaml,
  text: string,
  root: ParsedNode | null,
  path: readonly string[],
): Spot {
  let node: Node | null = root
  let member: TextRange = { start: 0, end: text.length }
  for (const [depth, name] of path.entries()) {
    refuseShared(yaml, node, path)
    const next = step(yaml, text, node, name)
    if (next) {
      node = next.node
      member = next.member
      continue
    }
    if (depth === path.length - 1 && yaml.isMap(node)) return insertion(text, node, name)
    throw slotError(`has no place for /${path.join('/')}`, undefined, 'add the key by hand once')
  }
  refuseShared(yaml, node, path)
  return { member, ...writtenAt(yaml, text, node, path) }
}

/** An anchor or alias stands for several places; changing one would change the others. */
function refuseShared(yaml: Yaml, node: Node | null, path: readonly string[]): void {
  const isShared = yaml.isAlias(node) || (yaml.isNode(node) && 'anchor' in node && node.anchor)
  if (!isShared) return
  throw slotError(
    `/${path.join('/')} uses an anchor or alias, so a change would reach other keys`,
    undefined,
    'write the value out',
  )
}

function step(yaml: Yaml, text: string, node: Node | null, name: string) {
  if (yaml.isSeq(node)) {
    const item = node.items[Number(name)]
    return yaml.isNode(item) ? { node: item, member: rangeOf(item) } : undefined
  }
  if (!yaml.isMap(node)) return undefined
  const index = node.items.findIndex(({ key }) => yaml.isScalar(key) && String(key.value) === name)
  const pair = node.items[index]
  if (!pair) return undefined
  const ranges = node.items.map(rangeOfPair)
  const own = ranges[index] ?? { start: 0, end: 0 }
  const member = node.flow ? listed(ranges, index) : linesOf(text, own)
  return { node: yaml.isNode(pair.value) ? pair.value : null, member }
}

function writtenAt(yaml: Yaml, text: string, node: Node | null, path: readonly string[]) {
  if (!yaml.isScalar(node) || (node.tag !== undefined && node.tag !== stringTag)) {
    throw slotError(`/${path.join('/')} is not a plain string`, undefined, 'write it in quotes')
  }
  const written = rangeOf(node)
  // A blank has to stand between `:` and a value, and between that and a comment; a block scalar owns the line break
  // behind it.
  const before = /[:,-]/.test(text[written.start - 1] ?? '') ? ' ' : ''
  const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED'
  const blank = text[written.end] === '#' ? ' ' : ''
  const behind = isBlock && text[written.end - 1] === '\n' ? lineBreakOf(text) : blank
  return { written, around: [before, behind] as const }
}

function insertion(text: string, map: YAMLMap, name: string): Spot {
  const ranges = map.items.map(rangeOfPair)
  const [first] = ranges
  const last = ranges.at(-1)
  if (!first || !last || map.items.some(({ key }) => String(key) === '<<')) {
    throw slotError(`has no certain place for ${name}`, undefined, 'add the key by hand once')
  }
  const key = `${/^[A-Za-z_][\w-]*$/.test(name) && !words.test(name) ? name : writeDoubleQuoted(name)}: `
  if (map.flow) return { insertAt: last.end, around: [`, ${key}`, ''] }
  const { end } = linesOf(text, last)
  const indent = ' '.repeat(first.start - (text.lastIndexOf('\n', first.start - 1) + 1))
  const lineBreak = lineBreakOf(text)
  const isOpen = end > 0 && text[end - 1] !== '\n'
  return { insertAt: end, around: [`${isOpen ? lineBreak : ''}${indent}${key}`, lineBreak] }
}

/** The lines of a pair. Block scalars and collections end behind their last line break already. */
function linesOf(text: string, { start, end }: TextRange): TextRange {
  const lines = wholeLines(text, start, end)
  return { start: lines.start, end: text[end - 1] === '\n' ? end : lineEnd(text, end) }
}

function rangeOf(node: Node | null): TextRange {
  const [start, end] = node?.range ?? [0, 0]
  return { start, end }
}

function rangeOfPair({ key, value }: Pair): TextRange {
  const { start, end } = rangeOf(key as Node)
  return { start, end: value ? rangeOf(value as Node).end : end }
}
