import * as fc from 'fast-check'
import { placeholder } from './fuzz-class.ts'
import { type Document, pointerClass } from './pointer-class.ts'

/** Behind a key, at any indentation, which `@` stands for. */
const values = [
  ' 1',
  ' no',
  ' 1.10 # c',
  ' 0123',
  ' 2001-12-14t21:59:43.10-05:00',
  ' ~',
  '',
  ' "q: # \\u0041 \\"x\\" token: 1"',
  " 'it''s # no'",
  ' plain text: no, but plain'.replace(':', ''),
  ' plain\n@  over two lines # c',
  ' |\n@  literal # no\n@  token: no\n\n@   more\n',
  ' >-\n@  folded\n@\n@  text\n',
  ' |2+\n@    kept\n\n',
  ' [a, {b: c}, "d"]',
  ' {x: 1,\n@  y: [2, 3]} # c',
  '\n@  inner: 1\n@  token: no',
  '\n@  - a\n@  - b: 1\n@    c: 2',
  '\n@- same indentation',
  ' &anchor shared',
  ' !!str 12',
  ' !custom tagged',
  ' !!binary aGVsbG8=',
  `  ${placeholder}`,
  ' é😀',
  ' http://a.b:1/c#d',
]
/** Deeper ones would belong to a block scalar before them. */
const gaps = ['', '# comment', '# token: no']

/** Rows of one map at an indentation, each with a key of its own. */
function rowsOf(name: string, indent: string): fc.Arbitrary<string> {
  const row = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(fc.constantFrom('k', '"k ', "'k:"), fc.constantFrom(...values)),
    },
    fc.constantFrom(...gaps),
  )
  return fc.array(row, { maxLength: 3 }).map((chosen) =>
    chosen
      .map((one, index) => {
        if (typeof one === 'string') return `${one}\n`
        const [open, value] = one
        const quote = open[0] === 'k' ? '' : open[0]
        const key = `${open}${name}${index}${quote}`
        return `${indent}${key}:${value.replaceAll('@', indent)}\n`.replace(
          '&anchor',
          `&${name}${index}`,
        )
      })
      .join(''),
  )
}

interface Place {
  readonly pointer: string
  /** What stands before the siblings, if it has any. */
  readonly head: string
  readonly key: string
  /** Behind the value. */
  readonly comment?: string
  /** Behind the siblings that follow. */
  readonly tail?: string
  /** A row among rows, between brackets, or an item of a block sequence. */
  readonly form: 'block' | 'flow' | 'item'
}

const places: readonly Place[] = [
  { form: 'block', pointer: '/token', head: '', key: 'token: ' },
  { form: 'block', pointer: '/token', head: '', key: 'token:   ', comment: '   # kept' },
  { form: 'block', pointer: '/to ken', head: '', key: '"to ken" : ' },
  { form: 'block', pointer: '/to~1ken~0', head: '', key: "'to/ken~': " },
  { form: 'block', pointer: '/auth/token', head: 'auth:\n', key: '  token: ' },
  {
    form: 'block',
    pointer: '/auth/token',
    head: 'auth: # kept\n',
    key: '    token: ',
    comment: ' # kept',
  },
  { form: 'block', pointer: '/a/b/token', head: 'a:\n  x: 1\n  b:\n', key: '     token: ' },
  {
    form: 'block',
    pointer: '/list/1/token',
    head: 'list:\n- name: one\n  token: first\n- name: two\n',
    key: '  token: ',
  },
  {
    form: 'block',
    pointer: '/list/0/token',
    head: 'list:\n  -  name: one\n',
    key: '     token: ',
    tail: '  - name: two\n',
  },
  {
    form: 'item',
    pointer: '/list/0/token',
    head: 'list:\n',
    key: '  - token: ',
    tail: '    x: 1\n',
  },
  { form: 'item', pointer: '/list/1', head: 'list:\n  - a\n', key: '  - ', tail: '  - c\n' },
  {
    form: 'item',
    pointer: '/list/0',
    head: 'list: # c\n',
    key: '- ',
    comment: ' # c',
    tail: '- c # c\n',
  },
  {
    form: 'flow',
    pointer: '/auth/token',
    head: 'auth: {a: 1, ',
    key: 'token: ',
    tail: ', b: [x, y]} # kept\n',
  },
  { form: 'flow', pointer: '/auth/token', head: 'auth: {', key: '"token": ', tail: '}\n' },
  {
    form: 'flow',
    pointer: '/auth/token',
    head: 'auth:\n  {\n    a: 1,\n',
    key: '    token: ',
    tail: ',\n    b: 2,\n  }\n',
  },
  { form: 'flow', pointer: '/list/1', head: 'list: [a, ', key: '', tail: ', c] # kept\n' },
  {
    form: 'flow',
    pointer: '/list/0/token',
    head: 'list: [{',
    key: 'token: ',
    tail: '}, {token: b}]\n',
  },
]

type Written = readonly [text: string, isText: boolean, forms?: readonly Place['form'][]]

/** As the value is written, `@` for the indentation, and whether it is text that nothing else shares. */
const written: readonly Written[] = [
  [placeholder, true],
  [`"${placeholder}"`, true],
  [`'${placeholder}'`, true],
  [`!!str 12`, true],
  ['"two\n@  lines"', true],
  ['plain over\n@  two lines', true, ['block', 'item']],
  [`|\n@    ${placeholder}\n@    more`, true, ['block', 'item']],
  [`>-\n@    ${placeholder}\n\n@    more`, true, ['block', 'item']],
  [`|1-\n@ ${placeholder}`, true, ['block']],
  [`''`, true],
  ['', true, ['block']],
  ['~', true],
  ['12', false],
  ['no # really', false],
  ['&shared old', false],
  ['!custom old', false],
  ['[]', false],
  ['{}', false],
]

/** What stands at the top and at the bottom; a second document keeps everything from being changed. */
const wrappings = [
  ['', ''],
  ['---\n', ''],
  ['%YAML 1.2\n---\n', '...\n'],
  ['# c\n--- # c\n', ''],
  ['base: &base {u: 1}\nuse: *base\n', 'merged:\n  <<: *base\n  token: no\n'],
  ['tabs:\t1\t# c\n', ''],
  ['', '---\nsecond: 1\n'],
] as const

const documents: fc.Arbitrary<Document> = fc.constantFrom(...places).chain((place) => {
  const indent = ' '.repeat(/^[ -]*/.exec(place.key)?.[0].length ?? 0)
  const siblings = (name: string) =>
    place.form === 'block' ? rowsOf(name, indent) : fc.constant('')
  const fitting = written.filter(([, , forms]) => forms?.includes(place.form) ?? true)
  return fc
    .record({
      value: /\d$/.test(place.pointer)
        ? fc.constantFrom(...fitting)
        : fc.option(fc.constantFrom(...fitting), { nil: undefined, freq: 4 }),
      top: rowsOf('r', ''),
      around: fc.tuple(siblings('p'), siblings('q')),
      bottom: rowsOf('z', ''),
      wrapping: fc.constantFrom(...wrappings),
      open: fc.boolean(),
    })
    .map(({ value, top, around: [ahead, next], bottom, wrapping: [first, last], open }) => {
      const { pointer, head, key, form, comment = '', tail = '' } = place
      const above = `${first}${top}${head}${ahead}`
      const below = `${next}${tail}${bottom}${last}`
      if (!value) return { pointer, before: above, value: undefined, after: below, free: false }
      const text = value[0].replaceAll('@', indent)
      const isBlock = /^[|>]/.test(text)
      const end = form === 'flow' ? below : `${isBlock ? '' : comment}\n${below}`
      const after = open ? end.replace(/\n$/, '') : end
      const free = value[1] && !last.includes('second')
      return { pointer, before: `${above}${key}`, value: text, after, free }
    })
})

export const yaml = pointerClass('yaml', 30, documents)
