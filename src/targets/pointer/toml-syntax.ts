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

/** TOML 1.0. Read by smol-toml; the places come from toml-patch's syntax tree, whose own patches move blanks. */
export const tomlSyntax: Syntax = {
  name: 'TOML',
  async parse(text) {
    const { parse } = await import('smol-toml')
    return parse(text, { integersAsBigInt: 'asNeeded' })
  },
  async find(text, path) {
    const { TomlDocument } = await import('@decimalturn/toml-patch')
    return new TomlSearch(text, path).spot(new TomlDocument(text).cst)
  },
  write(value, present) {
    const isLiteral = present?.startsWith("'") && /^[^'\p{Cc}]*$/u.test(value)
    return isLiteral ? `'${value}'` : writeDoubleQuoted(value)
  },
}

/** As much of toml-patch's syntax tree as is used. Lines count from 1, columns from 0. */
interface Node {
  readonly type: string
  readonly loc: { readonly start: LineColumn; readonly end: LineColumn }
}
interface LineColumn {
  readonly line: number
  readonly column: number
}
interface KeyValue extends Node {
  readonly key: { readonly value: readonly string[] }
  readonly value: Node
}
interface Table extends Node {
  readonly key: { readonly item: { readonly value: readonly string[] } } & Node
  readonly items: readonly Node[]
}
interface Inline extends Node {
  readonly items: readonly { readonly item: Node }[]
}

class TomlSearch {
  readonly #text: string
  readonly #path: readonly string[]
  readonly #lines: readonly number[]
  /** How many tables each array of tables has had so far, by its path. */
  readonly #counts = new Map<string, number>()
  #insertion: Spot | undefined

  constructor(text: string, path: readonly string[]) {
    this.#text = text
    this.#path = path
    this.#lines = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  }

  spot(blocks: readonly Node[]): Spot {
    const found = this.#inRows(blocks, [], undefined) ?? this.#inTables(blocks)
    if (found) return found
    if (this.#insertion) return this.#insertion
    throw slotError(
      `has no table for /${this.#path.join('/')}`,
      undefined,
      'add the key by hand once, in the table where it belongs',
    )
  }

  #inTables(blocks: readonly Node[]): Spot | undefined {
    for (const table of blocks.filter(isTable)) {
      const prefix = this.#resolve(table)
      const found = this.#inRows(table.items, prefix, table)
      if (found) return found
    }
    return undefined
  }

  /** The path of a table, with the indexes of the arrays of tables on the way. */
  #resolve(table: Table): readonly string[] {
    const names = table.key.item.value
    const path: string[] = []
    for (const [depth, name] of names.entries()) {
      path.push(name)
      const key = JSON.stringify(path)
      const isOwn = table.type === 'TableArray' && depth === names.length - 1
      if (isOwn) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1)
      const count = this.#counts.get(key)
      if (count !== undefined) path.push(String(count - 1))
    }
    return path
  }

  #inRows(rows: readonly Node[], prefix: readonly string[], table: Table | undefined) {
    const pairs = rows.filter(isKeyValue)
    for (const pair of pairs) {
      const path = [...prefix, ...pair.key.value]
      const { start, end } = this.#range(pair)
      const member = wholeLines(this.#text, start, end)
      const found = this.#inValue(pair.value, path, member)
      if (found) return found
    }
    if (isEqual(prefix, this.#path.slice(0, -1))) this.#insertion = this.#afterRows(pairs, table)
    return undefined
  }

  #inValue(value: Node, path: readonly string[], member: TextRange): Spot | undefined {
    if (!isEqual(path, this.#path.slice(0, path.length))) return undefined
    if (path.length === this.#path.length) return { written: this.#range(value), member }
    if (value.type !== 'InlineTable' && value.type !== 'InlineArray') return undefined
    const items = (value as Inline).items.map(({ item }) => item)
    const ranges = items.map((item) => this.#range(item))
    for (const [index, item] of items.entries()) {
      const own = listed(ranges, index)
      const found = isKeyValue(item)
        ? this.#inValue(item.value, [...path, ...item.key.value], own)
        : this.#inValue(item, [...path, String(index)], own)
      if (found) return found
    }
    const isParent = path.length === this.#path.length - 1 && value.type === 'InlineTable'
    if (isParent) this.#insertion = this.#afterItems(value, ranges.at(-1))
    return undefined
  }

  /** Behind the last row, as it is indented; behind the table's head; or at the top of the file. */
  #afterRows(pairs: readonly KeyValue[], table: Table | undefined): Spot {
    const last = pairs.at(-1)
    const node = last ?? table?.key
    const lineBreak = lineBreakOf(this.#text)
    if (!node) return { insertAt: 0, around: [`${this.#key} = `, lineBreak] }
    const { start, end } = this.#range(node)
    const insertAt = lineEnd(this.#text, end)
    const isOpen = this.#text[insertAt - 1] !== '\n'
    const lineStart = this.#text.lastIndexOf('\n', start - 1) + 1
    const indent = last ? this.#text.slice(lineStart, start) : ''
    return { insertAt, around: [`${isOpen ? lineBreak : ''}${indent}${this.#key} = `, lineBreak] }
  }

  #afterItems(table: Node, last: TextRange | undefined): Spot {
    if (last) return { insertAt: last.end, around: [`, ${this.#key} = `, ''] }
    return { insertAt: this.#range(table).start + 1, around: [` ${this.#key} = `, ' '] }
  }

  get #key(): string {
    const name = this.#path.at(-1) ?? ''
    return /^[\w-]+$/.test(name) ? name : writeDoubleQuoted(name)
  }

  #range({ loc: { start, end } }: Node): TextRange {
    return { start: this.#offset(start), end: this.#offset(end) }
  }

  #offset({ line, column }: LineColumn): number {
    return (this.#lines[line - 1] ?? this.#text.length) + column
  }
}

function isKeyValue(node: Node): node is KeyValue {
  return node.type === 'KeyValue'
}

function isTable(node: Node): node is Table {
  return node.type === 'Table' || node.type === 'TableArray'
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index])
}
