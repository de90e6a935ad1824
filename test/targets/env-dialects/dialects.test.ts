import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { compose } from '../../../src/targets/env-dialects/compose.ts'
import type { Dialect } from '../../../src/targets/env-dialects/dialect.ts'
import { docker } from '../../../src/targets/env-dialects/docker.ts'
import { shell } from '../../../src/targets/env-dialects/shell.ts'
import { systemd } from '../../../src/targets/env-dialects/systemd.ts'
import { Variable } from '../../../src/targets/variable.ts'

const dialects = { systemd, compose, docker, shell }

/** systemd's own reader of such files, as far as one can start it without systemd (it also expands `$`). */
const generator = '/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator'

function meaning(dialect: Dialect, content: string): Record<string, string | undefined> {
  return Object.fromEntries(
    dialect
      .read(Buffer.from(content, 'latin1'))
      .map(({ name, text }) => [name, text?.bytes.toString('latin1')]),
  )
}

/** What a reader makes of a file: a map, `undefined` for what cannot be foreseen, or the error. */
const tables: Record<
  keyof typeof dialects,
  [string, Record<string, string | undefined> | RegExp][]
> = {
  // systemd.exec(5), EnvironmentFile=, and the cases of src/test/test-env-file.c
  systemd: [
    ['a=a\nb=b', { a: 'a', b: 'b' }],
    ['a=a\\\n b', { a: 'a b' }],
    [' a = a b \n# c=d\n;e=f\n', { a: 'a b' }],
    [
      `one='v a l u e'\ntwo="v a l u e "\nthree='a'"b" c`,
      { one: 'v a l u e', two: 'v a l u e ', three: 'abc' },
    ],
    ['a=\\$x \\"\\y\\\\z', { a: '$x "y\\z' }],
    ['a="\\$x \\"\\y\\\\z\\\nq"', { a: '$x "\\y\\zq' }],
    ["a='two\nlines'\r\nb=1\r\n", { a: 'two\nlines', b: '1' }],
    ["a=it's # no comment", { a: "it's # no comment" }],
    ['a\nb=1', { b: '1' }],
    ['a="open', /^1: a quote is not closed$/],
    ['export a=1', /^1: systemd passes over lines with `export`$/],
    ['# c \\\na=1', /^1: a comment ends in a backslash/],
    ['\xef\xbb\xbfa=1', /byte order mark/],
    ['# \xff\na=\xff', /^2: systemd refuses what is not UTF-8$/],
  ],
  // pkg/kvfile of docker/cli
  docker: [
    ['a=1\n  b= 2 \n#c=3\n\nd', { a: '1', b: ' 2 ' }],
    ['a=\'1"\nb=$x \\n # no\r\n', { a: '\'1"', b: '$x \\n # no' }],
    ['\xef\xbb\xbfa=1', { a: '1' }],
    ['a="1"', { a: undefined }],
    ['export a=1', /^1: docker refuses a name with blanks in it$/],
    ['=1', /^1: docker refuses a line without a name$/],
    ['a=\xff', /is not UTF-8/],
  ],
  // dotenv/godotenv_test.go of compose-spec/compose-go
  compose: [
    ['a=1\nexport b=2\nc: 3\nd', { a: '1', b: '2', c: '3' }],
    [
      'FOO=bar  # this is foo\nb=\'baz#qux\' # c\nc="a # b"',
      { FOO: 'bar', b: 'baz#qux', c: 'a # b' },
    ],
    ['a=bar#baz', { a: undefined }],
    [
      `a='$x \\n it\\'s'\nb="it's \\"q\\" \\\\ \\$x $$y\\n"`,
      { a: "$x \\n it's", b: 'it\'s "q" \\ $x $y\n' },
    ],
    ['a=$b\nc="x ${d:-e}"\nf=$$', { a: undefined, c: undefined, f: '$' }],
    ["a='two\nlines'\r\nb=1 \r\n", { a: 'two\nlines', b: '1' }],
    ['a=\nb=1', { a: '', b: '1' }],
    ['a="open\nb=1', /^1: a quote is not closed$/],
    ['a b=1', /^1: Docker Compose refuses this line/],
  ],
  // POSIX XCU 2.2; the real sh judges below
  shell: [
    ['a=1; b=2 c="3"\nexport d=4 e f\nset -a', { a: '1', b: '2', c: '3', d: '4' }],
    [`a='x'"y"\\ z#q # c`, { a: 'xy z#q' }],
    ['a="\\$x \\y \\\nz"\nb=a\\\nb', { a: '$x \\y z', b: 'ab' }],
    ['a=$b\nc="${d}"\ne=~/x\nf=x:~', { a: undefined, c: undefined, e: undefined, f: undefined }],
    ['a="open', /^1: a quote is not closed$/],
    ['a=$(b)', /^1: this shell file is more than assignments/],
    ['if true; then a=1; fi', /^1: this shell file is more than assignments/],
    ['a=1 cmd', /^1: this shell file is more than assignments/],
    ['cat <<E\na=1\nE', /^1: this shell file is more than assignments/],
    ['unset a', /^1: this shell file is more than assignments/],
    ['a=1\r\n', /CR at the end/],
  ],
}

/** Text as secrets and operators have it, with everything that quoting could stumble over. */
const value = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'abcAZ09+/=_-.:@%,'.split(''),
        ...'\'"\\$`#;&|<>()[]{}*?!~^ \t'.split(''),
        '\n',
        '\r',
        'é',
        '$$',
        '${x}',
        ' #',
      ),
      fc.string({ minLength: 1, maxLength: 4 }).filter((text) => !text.includes('\0')),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((pieces) => Buffer.from(pieces.join('')))

const around = fc.constantFrom(
  ['', ''],
  ['A=1\n', 'B=2\n'],
  ['# K=no\nA="x y" \n\n', '# end'],
  ["A='two\nlines'\n", '\nB=2'],
)
const present = fc.constantFrom('', 'K=\n', 'K=old\n', 'K="old"\n', "K='old' \n", '  K=old\n')

for (const [name, dialect] of Object.entries(dialects)) {
  describe(`env dialect ${name}`, () => {
    for (const [content, expected] of tables[name as keyof typeof dialects]) {
      it(`reads ${JSON.stringify(content)}`, () => {
        if (!(expected instanceof RegExp))
          return assert.deepEqual(meaning(dialect, content), expected)
        assert.throws(
          () => dialect.read(Buffer.from(content, 'latin1')),
          (error: Error) => expected.test(error.message.trim()),
        )
      })
    }

    it('reads back what it wrote, keeps the rest, and gives back what was there', async () => {
      const slot = new Variable('K', dialect)
      const property = fc.asyncProperty(
        value,
        around,
        present,
        async (value, [before, after], line) => {
          const content = Buffer.from(before + line + after)
          const written = await slot.set(content, value).catch(() => undefined)
          if (!written)
            return assert.ok(!isEasy(value), `refused ${JSON.stringify(value.toString())}`)
          assert.deepEqual((await slot.get(written.bytes))?.bytes, value)
          const text = written.bytes.toString()
          assert.ok(text.startsWith(before))
          if (line !== '') assert.ok(text.endsWith(`\n${after}`) || text.endsWith(` \n${after}`))
          const restored = await slot.restore(written.bytes, content)
          assert.equal(restored.bytes.toString(), content.toString())
          const removed = await slot.remove(written.bytes)
          assert.equal(await slot.get(removed.bytes), undefined)
        },
      )
      await fc.assert(property, { numRuns: 300 })
    })
  })
}

describe('env dialects of programs that take text only', () => {
  for (const name of ['systemd', 'compose', 'docker'] as const) {
    it(`refuses to write bytes that ${name} would not take or would change`, async () => {
      const slot = new Variable('K', dialects[name])
      await assert.rejects(slot.set(Buffer.from('K=old\n'), Buffer.from([0x61, 0xff])), {
        message: /^1: this dialect cannot express the value of K$/,
      })
    })
  }
})

/** Letters and digits can be written in every dialect. */
function isEasy(value: Buffer): boolean {
  return /^[\w+/=.-]*$/.test(value.toString())
}

describe('env dialects and their real readers', () => {
  it('writes what sh reads', async () => {
    const values = fc.sample(value, 300).filter((value) => !value.includes('\r\n'))
    await judge(shell, values, (folder, count) => {
      const script = 'for n in $(seq 0 $2); do (. "$1/$n"; printf "%s\\0" "$K"); done'
      return execFileSync('sh', ['-c', script, 'sh', folder, String(count - 1)])
    })
  })

  it('writes what systemd reads', { skip: !existsSync(generator) && 'needs systemd' }, async () => {
    // The generator expands `$`, which EnvironmentFile= does not.
    const values = fc.sample(value, 150).filter((value) => !value.includes('$'))
    await judge(systemd, values, (folder, count) => {
      const script =
        'for n in $(seq 0 $2); do d=$1/$n.d/environment.d; mkdir -p $d; cp $1/$n $d/x.conf; XDG_CONFIG_HOME=$1/$n.d $3; echo; done'
      const output = execFileSync(
        'sh',
        ['-c', script, 'sh', folder, String(count - 1), generator],
        {
          env: { PATH: process.env['PATH'] ?? '', HOME: folder },
        },
      )
      const lines = output.toString('latin1').matchAll(/^K=("?)(.*)\1$/gm)
      return Buffer.from([...lines].map(([, , text]) => unescape(text!)).join('\0'), 'latin1')
    })
  })
})

/** How the generator prints a value: C escapes for control characters, a backslash before what a shell would read. */
function unescape(text: string): string {
  const letters: Record<string, string> = { n: '\n', r: '\r', t: '\t' }
  return text.replace(/\\(.)/g, (_, letter: string) => letters[letter] ?? letter)
}

/** Writes each value into a file of its own and compares with what `read` says, NUL between them. */
async function judge(
  dialect: Dialect,
  values: readonly Buffer[],
  read: (folder: string, count: number) => Buffer,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-dialect-'))
  try {
    await mkdir(folder, { recursive: true })
    const slot = new Variable('K', dialect)
    const starts = ["A='x y'\n", 'K=old\n', 'A=1\nK="old"\nB=2\n']
    for (const [index, value] of values.entries()) {
      const start = Buffer.from(starts[index % starts.length]!)
      await writeFile(join(folder, String(index)), (await slot.set(start, value)).bytes)
    }
    const found = read(folder, values.length).toString('latin1').split('\0')
    const wanted = values.map((value) => value.toString('latin1'))
    assert.deepEqual(found.slice(0, values.length), wanted)
  } finally {
    await rm(folder, { recursive: true })
  }
}
