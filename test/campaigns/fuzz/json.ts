import * as fc from 'fast-check'
import { placeholder } from './fuzz-class.ts'
import { type Document, pointerClass } from './pointer-class.ts'

const values = [
  '1',
  '-0',
  '12345678901234567890',
  '1e400',
  'true',
  'null',
  '""',
  '"te\\u0078t \\"q\\" \\\\ \\/ { [ , :"',
  '"\\ud800"',
  '"é😀\u2028"',
  `"${placeholder}"`,
  '[ 1 , [ ] , { } ]',
  '{ "token" : "no", "a" : [ "}" ] }',
]
const blanks = fc.constantFrom('', ' ', '\n  ', '\t', ' \n\n ')

/** Members of one object, each with a key of its own and a comma at the end (or at the beginning). */
function membersOf(name: string, comma: 'behind' | 'before'): fc.Arbitrary<string> {
  const member = fc.tuple(
    fc.constantFrom('', '\\n', 'é', ' " '),
    fc.constantFrom(...values),
    blanks,
  )
  return fc.array(member, { maxLength: 3 }).map((chosen) =>
    chosen
      .map(([key, value, blank], index) => {
        const own = `${blank}"${name}${index}${key.replaceAll('"', '\\"')}"${blank}:${blank}${value}${blank}`
        return comma === 'behind' ? `${own},` : `,${own}`
      })
      .join(''),
  )
}

interface Place {
  readonly pointer: string
  readonly head: string
  readonly key: string
  readonly tail: string
  readonly inList?: boolean
}

const places: readonly Place[] = [
  { pointer: '/token', head: '{', key: '"token":', tail: '}' },
  { pointer: '/token', head: ' {\n', key: '  "to\\u006ben"   : ', tail: '\n}\n' },
  { pointer: '/to~1ken~0 "', head: '{', key: '"to/ken~ \\"":', tail: '}' },
  { pointer: '/auth/token', head: '{"auth":{', key: '"token" : ', tail: ' } , "b": [1] }' },
  { pointer: '/auth/in/token', head: '{"auth":{"in":{', key: '"token":', tail: '}}}' },
  { pointer: '/list/1/token', head: '{"list":[{"token":"a"},{', key: '"token":', tail: '}, 3]}\n' },
  { pointer: '/0/token', head: '[{', key: '"token":', tail: '}]' },
  { pointer: '/list/1', head: '{"list":["a",', key: '', tail: ',"c"]}', inList: true },
  { pointer: '/1', head: '[ "a" , ', key: '', tail: ' , "c" ]\n', inList: true },
]

const written: readonly (readonly [text: string, isText: boolean])[] = [
  [`"${placeholder}"`, true],
  ['""', true],
  ['"\\u0022\\\\\\n"', true],
  ['null', true],
  ['1', false],
  ['true', false],
  ['{}', false],
  ['[]', false],
]

const documents: fc.Arbitrary<Document> = fc.constantFrom(...places).chain((place) => {
  const { pointer, head, key, tail, inList } = place
  const some = (comma: 'behind' | 'before') =>
    inList ? fc.constant('') : membersOf(comma === 'behind' ? 'p' : 'q', comma)
  return fc
    .record({
      value: fc.option(fc.constantFrom(...written), { nil: undefined, freq: 4 }),
      ahead: some('behind'),
      next: some('before'),
      blank: blanks,
    })
    .map(({ value, ahead, next, blank }) => {
      if (value) {
        const [text, free] = value
        return {
          pointer,
          before: `${head}${ahead}${key}${blank}`,
          value: text,
          after: `${blank}${next}${tail}`,
          free,
        }
      }
      const others = inList ? '' : `${ahead}${next}`.replace(/^,|,$/, '').replace(',,', ',')
      const [before, after] = inList ? ['', ''] : [`${head}${others}`, tail]
      return { pointer, before: before || '[]', value: undefined, after, free: !inList }
    })
})

export const json = pointerClass('json', 13, documents)
