import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { parse } from 'yaml'
import { runCli } from '../../src/cli/run-cli.ts'
import { type Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { needs } from '../support/parts.ts'
import { FakeOperations } from './fake-operations.ts'
import { FakeTerminal, type FakeTerminalOptions, fakeParts } from './fake-terminal.ts'

let folder: string
let path: string
let config: Config
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-api-token-'))
  path = join(folder, 'tokens.yaml')
  await mkdir(join(folder, 'state'))
  const text = `state_dir: ${folder}/state\nadmin: { http: { listen: 127.0.0.1:9471, tokens: ${path} } }\nmaterials: {}`
  config = await parseConfig(Buffer.from(text), { path: 'rekeyd.yaml', now: 0 })
})
afterEach(() => rm(folder, { recursive: true }))

/** Its clock stands at 2027-01-01T00:00Z. */
async function run(
  words: string,
  options: FakeTerminalOptions = {},
  operations = new FakeOperations(),
) {
  const terminal = new FakeTerminal({ directory: folder, ...options })
  const parts = fakeParts(operations, { configInUse: async () => config })
  const exit = await runCli(['api-token', ...words.split(' ')], terminal, parts)
  return { exit, stdout: terminal.stdout, stderr: terminal.stderr }
}

type Entry = Readonly<Record<'scope' | 'sha256' | 'created' | 'expires', string>>
async function entries(): Promise<Readonly<Record<string, Entry>>> {
  return (parse(await readFile(path, 'utf8')) as { tokens: Record<string, Entry> }).tokens
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('rekeyd api-token add', () => {
  it('shows the token once on a terminal, and keeps its hash alone', async () => {
    const { exit, stdout, stderr } = await run('add grafana --scope read', { terminal: true })
    assert.equal(exit, 0, stderr)
    assert.match(stdout, /^rekeyd_[\w-]{43}\n$/)
    assert.match(stderr, /grafana may read until 2027-04-01 00:00Z; this token is not shown again/)
    assert.deepEqual(await entries(), {
      grafana: {
        scope: 'read',
        sha256: sha256(stdout.trim()),
        created: '2027-01-01T00:00:00.000Z',
        expires: '2027-04-01T00:00:00.000Z',
      },
    })
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.ok(!(await readFile(path, 'utf8')).includes(stdout.trim()))
  })

  it('prints it anywhere else only when told to', async () => {
    const silent = await run('add ci --scope rotate')
    assert.equal(silent.exit, 2)
    assert.equal(silent.stdout, '')
    assert.match(silent.stderr, /stdout is no terminal[^]*--out FILE/)
    assert.deepEqual(await readdir(folder), ['state'])
    const { stdout } = await run('add ci --scope rotate --stdout --expires 2w')
    const found = (await entries())['ci']
    assert.equal(found?.sha256, sha256(stdout.trim()))
    assert.equal(found?.expires, '2027-01-15T00:00:00.000Z')
  })

  it('writes it to a new file that only its owner reads', async () => {
    const { exit, stdout } = await run('add ops --scope admin --out ops.token')
    assert.equal(exit, 0)
    assert.match(stdout, /wrote the token to .*ops\.token \(mode 0600\); it may admin until/)
    const written = await readFile(join(folder, 'ops.token'), 'latin1')
    assert.match(written, /^rekeyd_[\w-]{43}$/)
    assert.ok(!stdout.includes(written))
    assert.equal((await entries())['ops']?.sha256, sha256(written))
    assert.equal((await stat(join(folder, 'ops.token'))).mode & 0o777, 0o600)
    const again = await run('add other --scope admin --out ops.token')
    assert.equal(again.exit, 1)
    assert.match(again.stderr, /exists already/)
    assert.equal(await readFile(join(folder, 'ops.token'), 'latin1'), written)
    assert.deepEqual(Object.keys(await entries()), ['ops'])
  })

  it('leaves no token behind that nobody knows', async () => {
    await run('add ops --scope read --stdout')
    const { exit, stderr } = await run('add ops --scope read --out two.token')
    assert.equal(exit, 5)
    assert.match(stderr, /there is a token ops already/)
    assert.deepEqual((await readdir(folder)).toSorted(), ['state', 'tokens.yaml'])
  })

  it('has the audit log tell of it; a log that cannot is told of, and undoes nothing', async () => {
    const operations = new FakeOperations()
    await run('add ops --scope read --stdout', {}, operations)
    await run('revoke ops', {}, operations)
    const caller = { who: 'cli:eve' }
    const added = { done: 'add', name: 'ops', scope: 'read', expires: '2027-04-01T00:00:00.000Z' }
    assert.deepEqual(operations.asked, [
      { what: 'tokenChanged', caller, with: [added] },
      { what: 'tokenChanged', caller, with: [{ done: 'revoke', name: 'ops' }] },
    ])
    operations.tokenChanged = async () => {
      throw new OperatorError('the store is locked', { kind: 'locked' })
    }
    const { exit, stderr } = await run('add two --scope read --stdout', {}, operations)
    assert.equal(exit, 0)
    assert.match(stderr, /not in the audit log: the store is locked/)
    assert.ok((await entries())['two'])
  })

  it('answers one JSON object', async () => {
    const { stdout } = await run('add ops --scope read --stdout --json')
    const { token, ...rest } = JSON.parse(stdout) as { token: string }
    assert.equal((await entries())['ops']?.sha256, sha256(token))
    assert.deepEqual(rest, {
      schema_version: 1,
      name: 'ops',
      scope: 'read',
      expires: '2027-04-01T00:00:00.000Z',
    })
    const { stdout: filed } = await run('add two --scope read --out two.token --json')
    assert.equal(JSON.parse(filed).out, join(folder, 'two.token'))
    assert.ok(!filed.includes('rekeyd_'))
  })

  for (const [words, message] of [
    ['add Ops --scope read', /lower-case letters/],
    ['add ops', /required option '--scope/],
    ['add ops --scope root', /Allowed choices are read, rotate, admin/],
    ['add ops --scope read --expires never', /a duration such as 90d/],
    ['add ops --scope read --expires 3651d', /at most 3650d/],
    ['add ops --scope read --out x --stdout', /exclude each other/],
    ['frobnicate', /unknown command 'frobnicate'/],
  ] as const) {
    it(`refuses \`${words}\``, async () => {
      const { exit, stderr } = await run(words)
      assert.equal(exit, 2)
      assert.match(stderr, message)
      assert.deepEqual(await readdir(folder), ['state'])
    })
  }

  it('says where the config lacks it', async () => {
    config = await parseConfig(Buffer.from('materials: {}'), { path: 'rekeyd.yaml', now: 0 })
    for (const words of ['add ops --scope read --stdout', 'list', 'revoke ops']) {
      const { exit, stderr } = await run(words)
      assert.equal(exit, 3)
      assert.match(stderr, /rekeyd\.yaml has no admin\.http[^]*hint: add admin: \{ http:/)
    }
  })

  it('as root makes the file for whoever owns the store', needs('root'), async () => {
    await chown(join(folder, 'state'), 65_534, 65_534)
    await run('add ops --scope read --stdout')
    assert.equal((await stat(path)).uid, 65_534)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
  })
})

describe('rekeyd api-token list', () => {
  it('names scope and end, but no hash', async () => {
    assert.equal(
      (await run('list')).stdout,
      'no tokens yet: `rekeyd api-token add NAME --scope read`\n',
    )
    await run('add grafana --scope read --stdout')
    await run('add ops --scope admin --expires 1d --stdout')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('2027-01-02', '2026-12-31'))
    const { stdout } = await run('list')
    assert.deepEqual(
      stdout.split('\n').map((line) => line.split(/ {2,}/)),
      [
        ['NAME', 'SCOPE', 'CREATED', 'EXPIRES'],
        ['grafana', 'read', '2027-01-01 00:00Z', 'in 90d, 2027-04-01 00:00Z'],
        ['ops', 'admin', '2027-01-01 00:00Z', 'expired 2026-12-31 00:00Z'],
        [''],
      ],
    )
    const answer = JSON.parse((await run('list --json')).stdout) as { tokens: object[] }
    assert.deepEqual(answer.tokens[1], {
      name: 'ops',
      scope: 'admin',
      created: '2027-01-01T00:00:00.000Z',
      expires: '2026-12-31T00:00:00.000Z',
      expired: true,
    })
  })

  it('says what is wrong with the file', async () => {
    await run('add grafana --scope read --stdout')
    await chmod(path, 0o666)
    const { exit, stderr } = await run('list')
    assert.equal(exit, 3)
    assert.match(stderr, /mode 0666 lets others[^]*hint: chmod go-w/)
  })
})

describe('rekeyd api-token revoke', () => {
  it('takes one token away', async () => {
    await run('add grafana --scope read --stdout')
    await run('add ops --scope read --stdout')
    assert.equal((await run('revoke grafana')).stdout, 'grafana: revoked\n')
    assert.deepEqual(Object.keys(await entries()), ['ops'])
    const { stdout } = await run('revoke ops --json')
    assert.deepEqual(JSON.parse(stdout), { schema_version: 1, name: 'ops', revoked: true })
  })

  it('says that there is none', async () => {
    const { exit, stderr } = await run('revoke ops')
    assert.equal(exit, 1)
    assert.match(stderr, /there is no token ops[^]*hint: `rekeyd api-token list`/)
  })
})
