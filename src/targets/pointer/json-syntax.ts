import { slotError } from '../slot.ts'
import { listed, type Spot, type Syntax, type TextRange, writeDoubleQuoted } from './syntax.ts'

/** RFC 8259. The text has been parsed before it is searched, so it is known to be well formed. */
export const jsonSyntax: Syntax = {
  name: 'JSON',
  parse: async (text) => JSON.parse(text) as unknown,
  find: async (text, path) => findJson(text, path),
  write: writeDoubleQuoted,
}

/** A member of an object, or an element of an array, whose `name` is its index. */
interface Member extends TextRange {
  readonly name: string
  readonly value: TextRange
}

function findJson(text: string, path: readonly string[]): Spot {
  let container: TextRange = { start: skipBlanks(text, 0), end: text.trimEnd().length }
  for (const [depth, name] of path.entries()) {
    const members = membersOf(text, container)
    const matches = members.filter((member) => member.name === name)
    const [member] = matches
    if (matches.length > 1) throw slotError(`has the key ${name} twice in one object`)
    const isLast = depth === path.length - 1
    if (!member) {
      if (isLast && text[container.start] === '{') return insertion(text, container, members, name)
      throw slotError(`has no place for /${path.join('/')}`, undefined, 'add the key by hand once')
    }
    if (isLast) {
      return { written: member.value, member: listed(members, members.indexOf(member)) }
    }
    container = member.value
  }
  throw new RangeError('an empty pointer')
}

function insertion(
  text: string,
  { start }: TextRange,
  members: readonly Member[],
  name: string,
): Spot {
  const [first] = members
  const last = members.at(-1)
  if (!first || !last) return { insertAt: start + 1, around: [`${JSON.stringify(name)}: `, ''] }
  const blanks = text.slice(start + 1, first.start)
  const keyEnd = skipString(text, first.start)
  const colon = text.slice(keyEnd, first.value.start)
  return { insertAt: last.end, around: [`,${blanks}${JSON.stringify(name)}${colon}`, ''] }
}

function membersOf(text: string, container: TextRange): readonly Member[] {
  const isObject = text[container.start] === '{'
  const members: Member[] = []
  if (!isObject && text[container.start] !== '[') return members
  let at = skipBlanks(text, container.start + 1)
  while (at < container.end - 1) {
    const start = at
    let name = String(members.length)
    if (isObject) {
      const keyEnd = skipString(text, at)
      name = JSON.parse(text.slice(at, keyEnd)) as string
      at = skipBlanks(text, skipBlanks(text, keyEnd) + 1)
    }
    const end = skipValue(text, at)
    members.push({ name, start, end, value: { start: at, end } })
    at = skipBlanks(text, skipBlanks(text, end) + 1)
  }
  return members
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (' \t\r\n'.includes(text[at] ?? '|')) at += 1
  return at
}

function skipString(text: string, from: number): number {
  let at = from + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function skipValue(text: string, from: number): number {
  let at = from
  let depth = 0
  do {
    const character = text[at] ?? ''
    if (character === '"') at = skipString(text, at)
    else if ('[{'.includes(character) || ']}'.includes(character)) {
      depth += '[{'.includes(character) ? 1 : -1
      at += 1
    } else if (depth > 0) at += 1
    else return skipLiteral(text, at)
  } while (depth > 0)
  return at
}

function skipLiteral(text: string, from: number): number {
  let at = from
  while (/[\w.+-]/.test(text[at] ?? '')) at += 1
  return at
}
