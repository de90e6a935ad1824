import * as fc from 'fast-check'
import { placeholder } from './fuzz-class.ts'
import { type Document, pointerClass } from './pointer-class.ts'

/** Behind the name of a key. */
const rows = [
  ' = 1',
  ' = 9223372036854775807',
  ' = 0xDEAD_beef',
  ' = -1_000.5e-3 # c',
  ' = nan',
  ' = -inf',
  ' = true',
  ' = 1979-05-27T07:32:00.999-07:00',
  ' = 1979-05-27',
  ' = 07:32:00',
  ' = "te\\u0078t # \\"no\\" token = 1"',
  ' = \'lit\\eral "q"\'',
  ' = """\nmulti "quoted" \\\n    line\n[no]\ntoken = "no"\n"""',
  " = '''\nraw ''two'' '''",
  ' = [1, 2, # c\n  3,\n]',
  ' = [ [ "a" ], [ { b = 1 } ] ]',
  ' = { a = 1, b.c = "x" }',
  ' = {}',
  '.sub.key = "dotted"',
  '   =\t"blanks"\t# c',
  ` = "${placeholder}"`,
  ' = "é 😀"',
]
const gaps = ['', '# comment', '# token = "no"', '  # [auth]', '   ', '#\t😀 "']

const oneRow = fc.oneof(
  fc.tuple(
    fc.constantFrom('', '', '  ', '\t'),
    fc.constantFrom('k', '"k ', "'k."),
    fc.constantFrom(...rows),
  ),
  fc.constantFrom(...gaps),
)

/** Rows of one table, each with a key of its own. */
function rowsOf(name: string): fc.Arbitrary<string> {
  return fc.array(oneRow, { maxLength: 3 }).map((chosen) =>
    chosen
      .map((row, index) => {
        if (typeof row === 'string') return `${row}\n`
        const [indent, open, rest] = row
        const quote = open[0] === 'k' ? '' : open[0]
        return `${indent}${open}${name}${index}${quote}${rest}\n`
      })
      .join(''),
  )
}

const tables = fc
  .array(
    fc.tuple(fc.constantFrom('[t#]', '[ "t #" . sub ]', '[[a#]]', '[t#.sub]  # c'), rowsOf('x')),
    { maxLength: 2 },
  )
  .map((chosen) =>
    chosen.map(([head, body], index) => `${head.replace('#', String(index))}\n${body}`).join(''),
  )

interface Place {
  readonly pointer: string
  /** Before and behind the rows around it. */
  readonly head: string
  readonly key: string
  readonly behind: string
  /** Whether it is in a table of its own, and not at the top. */
  readonly inTable: boolean
  /** Whether the key can be added where it is missing. */
  readonly grows: boolean
}

const place = (pointer: string, head: string, key: string, behind = '\n', grows = true): Place => ({
  pointer,
  head,
  key,
  behind,
  inTable: head.includes('['),
  grows,
})

const places: readonly Place[] = [
  place('/token', '', 'token = '),
  place('/token', '', '  token=', '   # kept\n'),
  place('/to ken', '', '"to ken"   =   '),
  place('/to~1ken~0', '', "'to/ken~' = "),
  place('/auth/token', '', 'auth.token = ', '\n', false),
  place('/auth/token', '[auth]\n', 'token = '),
  place('/auth/token', '[ auth ] # kept\n', '\ttoken = ', ' # kept\n'),
  place('/x/auth/token', '[x]\n', 'auth . token = ', '\n', false),
  place('/x/y/token', '[x.y]\n', '"token" = '),
  place('/auth/token', '', 'auth = { a = 1, token = ', ', b = 2 } # kept\n', false),
  place('/auth/token', '', 'auth = { token = ', ' }\n', false),
  place('/auth/in/token', '', 'auth = { in = { token = ', '}, z.y = 1 }\n', false),
  place('/servers/1/token', '[[servers]]\ntoken = "first"\n[[servers]]\n', 'token = '),
  place(
    '/servers/0/auth/token',
    '[[servers]]\n[servers.auth]\n',
    'token = ',
    '\n[[servers]]\nname = "z"\n',
  ),
  place('/list/1', '', 'list = [ "a", ', ', "c" ]\n', false),
  place('/list/1', '', 'list = [\n  "a", # first\n  ', ', # second\n  "c",\n]\n', false),
  place('/list/0/token', '', 'list = [ { token = ', ' }, { token = "b" } ]\n', false),
]

/** As the value is written, and whether it is text. */
const values: readonly (readonly [written: string, isText: boolean])[] = [
  [`"${placeholder}"`, true],
  [`'${placeholder}'`, true],
  [`"""\n${placeholder}"""`, true],
  [`'''\n${placeholder}\n'''`, true],
  ['"o\\u006cd"', true],
  ['""', true],
  ['12', false],
  ['true', false],
  ['1979-05-27', false],
  ['[]', false],
]

const documents: fc.Arbitrary<Document> = fc
  .record({
    place: fc.constantFrom(...places),
    value: fc.option(fc.constantFrom(...values), { nil: undefined }),
    top: rowsOf('r'),
    earlier: tables,
    around: fc.tuple(rowsOf('p'), rowsOf('q')),
    later: tables.map((text) => text.replace(/\[(\[?) *("?)[ta]/g, '[$1$2z')),
    open: fc.boolean(),
  })
  .map(({ place: { pointer, head, key, behind, inTable, grows }, value, ...pieces }) => {
    const [ahead, next] = pieces.around
    const above = `${pieces.top}${inTable ? pieces.earlier : ''}${head}${ahead}`
    const below = `${next}${pieces.later}`
    if (!value) return { pointer, before: above, value: undefined, after: below, free: grows }
    const end = `${behind}${below}`
    const after = pieces.open ? end.replace(/\n$/, '') : end
    return { pointer, before: `${above}${key}`, value: value[0], after, free: value[1] }
  })

export const toml = pointerClass('toml', 30, documents)
