import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, chown, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import * as fc from 'fast-check'
import {
  type ApiToken,
  allows,
  hashToken,
  isExpired,
  makeToken,
  scopes,
} from '../../src/api-tokens/api-token.ts'
import { addToken, revokeToken } from '../../src/api-tokens/edit-token-file.ts'
import { withLock } from '../../src/api-tokens/file-lock.ts'
import { readTokens } from '../../src/api-tokens/token-file.ts'
import { type ErrorKind, OperatorError } from '../../src/support/operator-error.ts'
import { needs } from '../support/parts.ts'

const token = (name: string, different: Partial<ApiToken> = {}): ApiToken => ({
  name,
  scope: 'read',
  sha256: createHash('sha256').update(name).digest('hex'),
  created: '2027-01-01T00:00:00.000Z',
  expires: '2027-04-01T00:00:00.000Z',
  ...different,
})

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-tokens-'))
  path = join(folder, 'tokens.yaml')
})
afterEach(() => rm(folder, { recursive: true }))

async function refused(work: Promise<unknown>, kind: ErrorKind, message: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof OperatorError, String(error))
    assert.equal(error.kind, kind, error.message)
    assert.match(error.message, message)
    assert.ok(error.hint)
    return true
  })
}

describe('makeToken', () => {
  it('makes 256 random bits that a scanner for secrets knows, and never the same', () => {
    const made = Array.from({ length: 50 }, () => String(makeToken().bytes))
    for (const text of made) assert.match(text, /^rekeyd_[\w-]{43}$/)
    assert.equal(new Set(made).size, made.length)
    const [first = ''] = made
    assert.equal(Buffer.from(first.slice(7), 'base64url').length, 32)
  })

  it('is known by the SHA-256 of all of it', () => {
    const made = makeToken()
    const expected = createHash('sha256').update(String(made.bytes)).digest('hex')
    assert.equal(hashToken(made.bytes).toString('hex'), expected)
  })
})

describe('a scope', () => {
  it('allows what it names and what is less', () => {
    const table = scopes.map((held) => scopes.map((needed) => allows(held, needed)))
    assert.deepEqual(table, [
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
  })
})

describe('the end of a token', () => {
  it('is at its moment, and at once where the time makes no sense', () => {
    const end = Date.parse('2027-04-01T00:00:00Z')
    assert.equal(isExpired(token('a'), end - 1), false)
    assert.equal(isExpired(token('a'), end), true)
    assert.equal(isExpired(token('a', { expires: 'never' }), 0), true)
    assert.equal(isExpired(token('a'), Number.NaN), true)
  })
})

describe('the file of API tokens', () => {
  it('holds nobody where it is absent', async () => {
    assert.deepEqual(await readTokens(path), [])
  })

  it('gives back what was added, in order, and not what was revoked', async () => {
    const added = [token('grafana'), token('deploy', { scope: 'rotate' }), token('eve')]
    for (const one of added) await addToken(path, one)
    assert.deepEqual(await readTokens(path), added)
    await revokeToken(path, 'deploy')
    assert.deepEqual(await readTokens(path), [added[0], added[2]])
    await revokeToken(path, 'grafana')
    await revokeToken(path, 'eve')
    assert.deepEqual(await readTokens(path), [])
    await addToken(path, token('grafana'))
    assert.deepEqual(await readTokens(path), [token('grafana')])
    assert.deepEqual(await readdir(folder), ['tokens.yaml'])
  })

  it('is written for its owner alone, keeps the mode it was given, and the comments in it', async () => {
    await addToken(path, token('one'))
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    await chmod(path, 0o640)
    await writeFile(path, `# ask Eve about these\n${await readFile(path, 'utf8')}`)
    await addToken(path, token('two'))
    assert.equal((await stat(path)).mode & 0o777, 0o640)
    assert.match(await readFile(path, 'utf8'), /^# ask Eve about these\n[^]*\n {2}two:\n/)
  })

  it('belongs to whom it is made for', needs('root'), async () => {
    await addToken(path, token('one'), { uid: 65_534, gid: 65_534 })
    const made = await stat(path)
    assert.deepEqual([made.uid, made.gid, made.mode & 0o777], [65_534, 65_534, 0o600])
  })

  it('has each name once', async () => {
    await addToken(path, token('one'))
    await refused(addToken(path, token('one')), 'refused', /a token one already/)
    await refused(revokeToken(path, 'two'), 'not-found', /no token two/)
    await refused(revokeToken(path, '__proto__'), 'not-found', /no token __proto__/)
  })

  it('loses nothing when several change it at once', async () => {
    await addToken(path, token('before'))
    const names = Array.from({ length: 8 }, (_, index) => `token-${index}`)
    await Promise.all(names.map((name) => addToken(path, token(name))))
    const found = (await readTokens(path)).map(({ name }) => name)
    assert.deepEqual(found.toSorted(), ['before', ...names])
    assert.deepEqual(await readdir(folder), ['tokens.yaml'])
  })

  it('loses nothing when several processes change it at once', async () => {
    const names = Array.from({ length: 4 }, (_, index) => `token-${index}`)
    const editing = import.meta.resolve('../../src/api-tokens/edit-token-file.ts')
    const program = `
      const { addToken, revokeToken } = await import('${editing}')
      const [path, ...tokens] = JSON.parse(process.argv[1])
      for (const token of tokens) await addToken(path, token)
      await revokeToken(path, tokens[0].name)
    `
    await Promise.all(
      names.map((name) => {
        const tokens = ['x', 'y', 'z'].map((ending) => token(`${name}-${ending}`))
        const task = JSON.stringify([path, ...tokens])
        return promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, task])
      }),
    )
    const found = (await readTokens(path)).map(({ name }) => name)
    const expected = names.flatMap((name) => [`${name}-y`, `${name}-z`])
    assert.deepEqual(found.toSorted(), expected)
    assert.deepEqual(await readdir(folder), ['tokens.yaml'])
  })

  it('is not changed while somebody holds its lock, which is named', async () => {
    const lock = join(folder, '.tokens.yaml.rekeyd-lock')
    await writeFile(lock, '')
    let isDone = false
    const work = async () => {
      isDone = true
    }
    await refused(withLock(path, work, 50), 'busy', /tokens\.yaml is being changed/)
    assert.equal(isDone, false)
    const waiting = withLock(path, work, 60_000)
    await rm(lock)
    await waiting
    assert.equal(isDone, true)
    assert.deepEqual(await readdir(folder), [])
  })

  for (const mode of [0o660, 0o602, 0o666]) {
    it(`is not believed with mode ${mode.toString(8)}`, async () => {
      await addToken(path, token('one'))
      await chmod(path, mode)
      await refused(readTokens(path), 'config', /lets others than its owner write it/)
      await refused(addToken(path, token('two')), 'config', /lets others/)
    })
  }

  it('of another user is not believed', needs('root'), async () => {
    await addToken(path, token('one'))
    await chown(path, 65_534, 0)
    await refused(readTokens(path), 'config', /owned by uid 65534/)
  })

  it('is a file and nothing else', async () => {
    await refused(readTokens(folder), 'config', /not a regular file/)
    execFileSync('/usr/bin/mkfifo', ['-m', '600', path])
    await refused(readTokens(path), 'config', /not a regular file/)
    await refused(readTokens('/dev/zero'), 'config', /not a regular file/)
  })

  const entry = `scope: read, sha256: ${'a'.repeat(64)}, created: 2027-01-01T00:00:00Z, expires: 2027-01-01T00:00:00Z`
  const canary = 'rekeyd_CANARY5f1cf4aaCANARY'
  for (const [what, text, message] of [
    ['an empty file', '', /expected object/],
    ['no YAML', `tokens: { one: {${canary}`, /not valid YAML/],
    ['no UTF-8', Buffer.from([0x74, 0xff, 0xfe]), /not valid YAML/],
    ['another shape', 'tokens: []', /tokens Invalid input: expected record/],
    ['a key too many', 'tokens: {}\nmore: 1', /has a key too many/],
    [
      'a key too many in a token',
      `tokens: { a: { ${entry}, salt: ${canary} } }`,
      /tokens\.a has a key/,
    ],
    ['a name that is none', `tokens: { "A b": { ${entry} } }`, /Invalid key/],
    ['a name twice', `tokens: { a: { ${entry} }, a: { ${entry} } }`, /not valid YAML/],
    [
      'a token in clear',
      `tokens: { a: { ${entry.replace(/a{64}/, canary)} } }`,
      /tokens\.a\.sha256 is no SHA-256/,
    ],
    [
      'a scope that is none',
      `tokens: { a: { ${entry.replace('read', canary)} } }`,
      /a\.scope is none of read/,
    ],
    [
      'no end',
      `tokens: { a: { ${entry.replace(/, expires.*/, '')} } }`,
      /tokens\.a\.expires is no time/,
    ],
    ['an alias', `tokens: { a: &a { ${entry} }, b: *a }`, /an alias/],
    ['a tag', `tokens: !!js/function {}`, /not valid YAML/],
    ['two documents', `tokens: {}\n---\ntokens: {}`, /not valid YAML/],
    ['an abyss', `tokens: ${'['.repeat(100_000)}`, /not valid YAML/],
    ['too much', `# ${'x'.repeat(256 * 1024)}`, /larger than 256 KiB/],
  ] as const) {
    it(`is refused with ${what}, and quotes nothing of it`, async () => {
      await writeFile(path, text, { mode: 0o600 })
      await assert.rejects(readTokens(path), (error) => {
        assert.ok(error instanceof OperatorError, String(error))
        assert.match(error.message, message)
        assert.ok(error.message.startsWith(`${path}: `))
        assert.ok(!`${error.message}${error.hint}`.includes('CANARY'))
        return true
      })
      await assert.rejects(addToken(path, token('new')))
      assert.deepEqual(await readFile(path), Buffer.from(text))
    })
  }

  it('is whole or refused however its bytes are changed', async () => {
    await addToken(path, token('one', { scope: 'read' }))
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(whole)
        bytes[at] = byte
        await writeFile(path, bytes)
        const read = await readTokens(path).catch((error: unknown) => {
          assert.ok(error instanceof OperatorError, String(error))
          return []
        })
        // A changed byte never gives a token more than it had, but by spelling out another scope.
        for (const { scope } of read) assert.equal(scope, 'read')
      }),
      { numRuns: 200 },
    )
  })
})
