import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import {
  type Authentication,
  type Authenticator,
  authenticator,
} from '../../src/admin/authentication.ts'
import { addToken, revokeToken } from '../../src/api-tokens/edit-token-file.ts'
import { FakeClock } from '../fakes/fake-clock.ts'
import { newToken } from './scratch-tokens.ts'

let folder: string
let path: string
let clock: FakeClock
let logged: [level: string, message: string, reason: string][]
let authenticate: Authenticator['byHeader']
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-authentication-'))
  path = join(folder, 'tokens.yaml')
  clock = new FakeClock('2027-01-01T00:00:00Z')
  logged = []
  const keep = (level: string) => (message: string, fields: Readonly<Record<string, string>>) =>
    void logged.push([level, message, fields['reason'] ?? ''])
  const { byHeader } = authenticator(path, clock, { warn: keep('warn'), error: keep('error') })
  authenticate = byHeader
})
afterEach(() => rm(folder, { recursive: true }))

const said = (found: Authentication) => ('token' in found ? found.token.name : found.refused)
const ask = async (authorization: string | undefined) => said(await authenticate(authorization))

async function add(name: string, different = {}): Promise<string> {
  const { secret, token } = newToken(name, different)
  await addToken(path, token)
  return secret
}

describe('authenticator', () => {
  it('knows each token by its hash, and no other', async () => {
    const [first, second] = [await add('first'), await add('second', { scope: 'admin' })]
    assert.equal(await ask(`Bearer ${first}`), 'first')
    assert.equal(await ask(`bearer  ${second}`), 'second')
    for (const sent of [
      `${first}x`,
      first.slice(0, -1),
      first.toUpperCase(),
      first.replace('rekeyd_', ''),
      'x',
      'x'.repeat(200),
    ]) {
      assert.equal(await ask(`Bearer ${sent}`), 'unknown', sent)
    }
  })

  it('takes nothing for a token that is not sent as one', async () => {
    const secret = await add('first')
    for (const sent of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      secret,
      `Basic ${secret}`,
      `Bearer:${secret}`,
      `Bearer\t${secret}`,
      `Bearer ${secret} ${secret}`,
      `Bearer ${secret},Bearer ${secret}`,
      `Bearer ${'x'.repeat(201)}`,
      `xBearer ${secret}`,
    ]) {
      assert.equal(await ask(sent), 'missing', String(sent))
    }
  })

  it('never takes the hash for the token', async () => {
    const { secret, token } = newToken('first')
    await addToken(path, token)
    assert.equal(await ask(`Bearer ${token.sha256}`), 'unknown')
    assert.equal(await ask(`Bearer ${secret}`), 'first')
  })

  it('refuses a token at its end', async () => {
    const secret = await add('first', { expires: '2027-01-02T00:00:00Z' })
    await clock.advance(86_400_000 - 1)
    assert.equal(await ask(`Bearer ${secret}`), 'first')
    await clock.advance(1)
    assert.equal(await ask(`Bearer ${secret}`), 'expired')
  })

  it('lets nobody in without a file, and takes one up that appears', async () => {
    assert.equal(await ask('Bearer rekeyd_x'), 'unknown')
    const secret = await add('first')
    assert.equal(await ask(`Bearer ${secret}`), 'first')
    await rm(path)
    assert.equal(await ask(`Bearer ${secret}`), 'unknown')
    assert.deepEqual(logged, [])
  })

  it('refuses what was revoked from the next request on, every time', async () => {
    for (let round = 0; round < 100; round += 1) {
      const secret = await add('first')
      assert.equal(await ask(`Bearer ${secret}`), 'first')
      await revokeToken(path, 'first')
      assert.equal(await ask(`Bearer ${secret}`), 'unknown', `round ${round}`)
    }
  })

  it('lets nobody in by a broken file, says so once, and recovers', async () => {
    const secret = await add('first')
    assert.equal(await ask(`Bearer ${secret}`), 'first')
    await writeFile(path, 'tokens: [')
    for (let index = 0; index < 10; index += 1) {
      assert.equal(await ask(`Bearer ${secret}`), 'unreadable')
    }
    assert.deepEqual(logged, [
      ['error', 'no API token is accepted: their file is refused', `${path}: is not valid YAML`],
    ])
    await rm(path)
    const another = await add('second')
    assert.equal(await ask(`Bearer ${another}`), 'second')
    await writeFile(path, 'tokens: [')
    assert.equal(await ask(`Bearer ${another}`), 'unreadable')
    assert.equal(logged.length, 2)
  })
})
