import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Database } from '@signalapp/sqlcipher'
import { databaseKey } from '../../src/materials/database-key.ts'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'

const signal = new AbortController().signal
const forms = ['passphrase', 'raw', 'raw+salt'] as const
const make = (form: (typeof forms)[number]) => databaseKey.create({ form }, kindContext) as MadeHere
const find = (text: string): Found => ({
  part: 'key',
  format: 'raw',
  bytes: SecretBytes.copyOf(Buffer.from(text)),
  place: 'env /etc/chat.env DB_KEY',
})

for (const form of forms) describeKind(`database-key (${form})`, () => make(form))

describe('database-key', () => {
  it('is never made just because it is missing', () => {
    assert.equal(databaseKey.neverCreate, true)
  })

  for (const form of forms) {
    it(`opens a genuine SQLCipher database as ${form}, and nothing else does`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'rekeyd-'))
      t.after(() => rm(folder, { recursive: true }))
      const kind = make(form)
      const [right, wrong] = await Promise.all([pragma(kind, form), pragma(kind, form)])
      const path = join(folder, 'chat.db')
      const made = open(path, right)
      made.exec('CREATE TABLE t (x); INSERT INTO t VALUES (42)')
      made.close()
      const again = open(path, right)
      assert.deepEqual(again.prepare('SELECT x FROM t').all(), [{ x: 42 }])
      again.close()
      const other = open(path, wrong)
      assert.throws(() => other.prepare('SELECT x FROM t').all())
      other.close()
    })
  }

  it('makes passphrases that no engine takes for a raw key', async () => {
    for (let round = 0; round < 50; round++) {
      const { parts } = await make('passphrase').generate({ material: 'db', now: 0 }, signal)
      assert.match(String(parts['key']?.bytes), /^[A-Za-z0-9_-]{43}$/)
    }
  })

  it('adopts any passphrase of one line', async () => {
    for (const text of ['x', 'it\'s; -- \\ "quoted" é', "x'", "x'abc'", 'raw:', 'raw:chicken']) {
      const { parts } = await make('passphrase').adopt!([find(text)], 'db')
      assert.equal(String(parts['key']?.bytes), text)
    }
  })

  it('refuses a raw key in the place of a passphrase', async () => {
    const hex = 'ab'.repeat(32)
    for (const text of [`x'${hex}'`, `X'${hex}${hex.slice(32)}'`, `raw:${hex}`, `RAW:${hex}`]) {
      await assert.rejects(async () => make('passphrase').adopt?.([find(text)], 'db'), {
        name: 'OperatorError',
        message: /^env \/etc\/chat.env DB_KEY: .* raw key/,
      })
    }
  })
})

async function pragma(kind: MadeHere, form: (typeof forms)[number]): Promise<string> {
  const { parts, attributes } = await kind.generate({ material: 'db', now: 0 }, signal)
  assert.deepEqual(attributes, { form })
  const format = kind.parts['key']!.formats[0]
  const text = String((await kind.render(parts, 'key', format)).bytes)
  return form === 'passphrase' ? `'${text}'` : `"x'${text}'"`
}

function open(path: string, key: string) {
  const database = new Database(path)
  database.pragma('cipher_log_level = NONE')
  database.pragma(`key = ${key}`)
  return database
}
