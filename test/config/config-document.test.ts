import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseConfigDocument } from '../../src/config/config-document.ts'

const parse = (text: string) => parseConfigDocument(Buffer.from(text))

describe('parseConfigDocument', () => {
  it('knows where keys and values stand', async () => {
    const text = 'a: 1\nb:\n  - c: { d: two }\n  - null\n'
    const document = await parse(text)
    assert.deepEqual(document.value, { a: 1, b: [{ c: { d: 'two' } }, null] })
    assert.deepEqual(document.locate(['a']), { line: 1, column: 4 })
    assert.deepEqual(document.locate(['b', 0, 'c', 'd']), { line: 3, column: 13 })
    assert.deepEqual(document.locate(['b', 0, 'c', 'd'], 'key'), { line: 3, column: 10 })
    assert.deepEqual(document.locate(['b', 1]), { line: 4, column: 5 })
  })

  it('points at the nearest thing around what is absent', async () => {
    const document = await parse('a: 1\nb: { c: 1 }\n')
    assert.deepEqual(document.locate(['b', 'x']), { line: 2, column: 1 })
    assert.deepEqual(document.locate(['b', 'x', 'y', 0]), { line: 2, column: 1 })
    assert.deepEqual(document.locate([]), { line: 1, column: 1 })
  })

  it('counts from the same place with a byte order mark and with CRLF', async () => {
    const document = await parse('\uFEFFa: 1\r\nb:\r\n  c: 2\r\n')
    assert.deepEqual(document.value, { a: 1, b: { c: 2 } })
    assert.deepEqual(document.locate(['a'], 'key'), { line: 1, column: 1 })
    assert.deepEqual(document.locate(['b', 'c']), { line: 3, column: 6 })
  })

  it('follows an alias to where the value stands', async () => {
    const document = await parse('a: &x { b: 1 }\nc: *x\n')
    assert.deepEqual(document.value, { a: { b: 1 }, c: { b: 1 } })
    assert.deepEqual(document.locate(['c', 'b']), { line: 1, column: 12 })
  })

  it('gives a number as it was written', async () => {
    const document = await parse('a: 0644\nb: 0o644\nc: {}\n')
    assert.equal(document.written(['a']), '0644')
    assert.equal(document.written(['b']), '0o644')
    assert.equal(document.written(['c']), undefined)
    assert.equal(document.written(['x']), undefined)
  })

  const refused: Readonly<Record<string, readonly [text: string, line: number, column: number]>> = {
    'a duplicate key': ['a: 1\nb: 2\na: 3\n', 3, 1],
    'a duplicate key in braces': ['{ a: 1, a: 2 }', 1, 9],
    'a duplicate key in quotes': ['a: 1\n"a": 2\n', 2, 1],
    __proto__: ['a:\n  __proto__: { x: 1 }\n', 2, 3],
    'a merge key': ['a: &x { b: 1 }\nc:\n  <<: *x\n', 3, 3],
    'a tab as indentation': ['a:\n\tb: 1\n', 2, 1],
    'a tag': ['a: !!binary aGk=\n', 1, 4],
    'a tag of its own': ['a: !secret x\n', 1, 4],
    'a second document': ['a: 1\n---\nb: 1\n', 2, 1],
    'another version of YAML': ['%YAML 1.1\n---\na: yes\n', 1, 1],
    'a key that is a list': ['? [a]\n: b\n', 1, 3],
    'an alias without anchor': ['a: *x\n', 1, 4],
    'an alias of itself': ['a: &x [*x]\n', 1, 8],
    'a control character': ['a: 1\nb: x\0y\n', 2, 5],
    'an open bracket': ['a: [1, 2\nb: 3\n', 2, 1],
    'two colons in a line': ['a: b: c\n', 1, 4],
    'an empty file': ['', 1, 1],
    'only comments': ['# nothing\n', 1, 1],
  }
  for (const [what, [text, line, column]] of Object.entries(refused)) {
    it(`refuses ${what} at its place`, async () => {
      const { value, problems } = await parse(text)
      assert.equal(value, undefined)
      assert.deepEqual({ ...problems[0], message: '' }, { line, column, message: '' })
    })
  }

  it('names both places of a duplicate key', async () => {
    const { problems } = await parse('a: 1\nb: 2\na: 3\n')
    assert.deepEqual(
      problems.map(({ message }) => message),
      ['duplicate key `a`; the first is at 1:1'],
    )
  })

  it('refuses what is not UTF-8', async () => {
    const { problems } = await parseConfigDocument(Buffer.from([0x61, 0x3a, 0x20, 0xff]))
    assert.equal(problems[0]?.message, 'not UTF-8 text')
  })

  it('never quotes the text around an error', async () => {
    for (const text of [
      'a: [hunter2\nb: 3\n',
      'hunter2\n  : {x\n',
      'a: "hunter2\n',
      '@hunter2: ]\n',
    ]) {
      const { problems } = await parse(text)
      assert.ok(problems.length > 0)
      assert.doesNotMatch(JSON.stringify(problems), /hunter2/)
    }
  })

  const bombs: Readonly<Record<string, string>> = {
    'nested brackets': '['.repeat(20_000),
    'nested braces': '{a: '.repeat(20_000),
    'nested dashes': '- '.repeat(20_000),
    'nested questions': '? '.repeat(20_000),
    'nested maps': Array.from({ length: 1_000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    'twenty thousand aliases': `a: &a [x]\nb: [${'*a, '.repeat(20_000)}]`,
    'thirty thousand aliases without anchor': 'a: *b\n'.repeat(30_000),
    'twenty thousand times the same key': 'key: 1\n'.repeat(20_000),
    'aliases of aliases': ['a: &a [x]']
      .concat(
        Array.from({ length: 9 }, (_, i) => {
          const [from, to] = ['abcdefghij'[i], 'abcdefghij'[i + 1]]
          return `${to}: &${to} [${Array.from({ length: 9 }, () => `*${from}`).join(', ')}]`
        }),
      )
      .join('\n'),
    'twenty thousand keys, one of them twice': `k7: 2\n${Array.from({ length: 20_000 }, (_, i) => `k${i}: 1\n`).join('')}`,
  }
  for (const [what, text] of Object.entries(bombs)) {
    it(`refuses ${what} within the time of a blink or two`, { timeout: 10_000 }, async () => {
      const { problems } = await parse(text.slice(0, 1024 * 1024))
      assert.ok(problems.length > 0)
    })
  }
})
