import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { server as opaque, ready as opaqueReady } from '@serenity-kit/opaque'
import { consumerMade } from '../../src/materials/consumer-made.ts'
import type { KindContext, MadeByConsumer } from '../../src/materials/kind.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { FakeSystemctl } from '../fakes/fake-systemctl.ts'
import { buildDatabase, newKey, openGenuine } from '../support/databases.ts'

const signal = new AbortController().signal
const key = newKey('raw')
const context: KindContext = {
  material: 'opaque-setup',
  editionOf: async (name) =>
    name === 'db-key'
      ? fakeEdition(key.bytes.toString('hex'), { attributes: { form: 'raw' } })
      : undefined,
}

function create(options: unknown): MadeByConsumer {
  const kind = consumerMade.create(consumerMade.schema.parse(options), context)
  assert.ok(kind.madeBy === 'consumer')
  return kind
}

describe('the kind consumer-made', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-made-'))
    path = join(folder, 'qpc.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const rowOf = (name: string) => ({
    sqlite_row: {
      path,
      db_key: { material: 'db-key' },
      table: 'server_state',
      where: { key: name },
    },
  })
  /** As the server does at its next start. */
  const store = (name: string, value: Uint8Array | string) => {
    const db = openGenuine(path, { key })
    const own = typeof value === 'string' ? value : new Uint8Array(value)
    db.prepare('INSERT OR REPLACE INTO server_state VALUES (?, ?)').run([name, own])
    db.close()
  }
  const sha256 = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

  it('resets a row: archives it with its public key, deletes it, and sees the next one', async () => {
    buildDatabase(path, { key })
    const pair = generateKeyPairSync('ed25519')
    const seed = Buffer.from(pair.privateKey.export({ format: 'jwk' }).d!, 'base64url')
    const open = Buffer.from(pair.publicKey.export({ format: 'jwk' }).x!, 'base64url')
    store('signing_key_seed', seed)
    const kind = create({ reset: rowOf('signing_key_seed') })
    assert.equal(kind.offline, true)
    const before = await kind.observe(signal)
    assert.equal(before?.value, sha256(seed))
    assert.equal(before?.attributes['public_key'], open.toString('hex'))
    const archived = await kind.archive?.(signal)
    assert.deepEqual(archived?.parts['public_key']?.bytes, open)
    assert.deepEqual(archived?.parts['value']?.bytes, seed)
    await kind.provoke?.(signal)
    assert.equal(await kind.observe(signal), undefined)
    assert.equal(await kind.archive?.(signal), undefined)
    store('signing_key_seed', Buffer.alloc(32, 3))
    assert.equal((await kind.observe(signal))?.value, sha256(Buffer.alloc(32, 3)))
  })

  it('knows the public key of an OPAQUE setup, stored as bytes or as text', async () => {
    buildDatabase(path, { key })
    await opaqueReady
    const setup = opaque.createSetup()
    const open = Buffer.from(opaque.getPublicKey(setup), 'base64url')
    const kind = create({ reset: rowOf('opaque_setup') })
    for (const stored of [Buffer.from(setup, 'base64url'), setup]) {
      store('opaque_setup', stored)
      const archived = await kind.archive?.(signal)
      assert.deepEqual(archived?.parts['public_key']?.bytes, open)
    }
  })

  it('warns of a layout that it does not know, and goes on', async () => {
    buildDatabase(path, { key })
    store('opaque_setup', Buffer.alloc(77, 9))
    const kind = create({ reset: rowOf('opaque_setup') })
    const seen = await kind.observe(signal)
    assert.equal(seen?.value, sha256(Buffer.alloc(77, 9)))
    assert.match(seen.attributes['warning'] ?? '', /77 bytes/)
    assert.equal((await kind.archive?.(signal))?.parts['public_key'], undefined)
  })

  it('gives no fingerprint of something that could be guessed', async () => {
    buildDatabase(path, { key })
    store('opaque_setup', 'secret')
    await assert.rejects(create({ reset: rowOf('opaque_setup') }).observe(signal), /is no key/)
  })

  it('does not take a mistyped row for one that is reset', async () => {
    buildDatabase(path, { key })
    await assert.rejects(
      create({ reset: rowOf('opaque_setpu') }).provoke!(signal),
      /no row matches/,
    )
  })

  it('resets a file', async () => {
    const file = join(folder, 'opaque_setup.bin')
    await writeFile(file, Buffer.alloc(128, 1))
    const kind = create({ reset: { file } })
    assert.equal((await kind.observe(signal))?.value, sha256(Buffer.alloc(128, 1)))
    assert.equal((await kind.archive?.(signal))?.parts['value']?.length, 128)
    await kind.provoke?.(signal)
    assert.deepEqual(await readdir(folder), [])
    assert.equal(await kind.observe(signal), undefined)
    await assert.rejects(kind.provoke!(signal), /no file/)
  })

  it('triggers a unit and reads what the consumer shows by HTTP', async () => {
    const systemctl = await FakeSystemctl.create()
    let vapid: unknown = { key: 'BOld' }
    const server = createServer((_, response) => response.end(JSON.stringify({ vapid })))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const kind = create({
      trigger: { systemd: 'pilcrow-rotate-vapid', systemctl: systemctl.path },
      observe: { http: `http://127.0.0.1:${port}/api/boot`, pointer: '/vapid/key' },
    })
    assert.equal(kind.offline, false)
    assert.ok(!('archive' in kind))
    assert.deepEqual(await kind.observe(signal), { value: 'BOld', attributes: {} })
    await kind.provoke?.(signal)
    const calls = await readFile(join(systemctl.folder, 'calls'), 'utf8')
    assert.match(calls, /start -- pilcrow-rotate-vapid\.service/)
    systemctl.mode('fail-start')
    await assert.rejects(kind.provoke!(signal), /failed/)
    vapid = {}
    await assert.rejects(kind.observe(signal), /no text at/)
    server.close()
    await assert.rejects(kind.observe(signal))
    await rm(systemctl.folder, { recursive: true })
  })

  it('asks programs by the one command contract', async () => {
    const program = (exit: number) => ['/bin/sh', '-c', `echo BNew; exit ${exit}`]
    const observing = (exit: number) =>
      create({ trigger: { command: program(exit) }, observe: { command: program(exit) } })
    assert.equal((await observing(0).observe(signal))?.value, 'BNew')
    assert.equal(await observing(1).observe(signal), undefined)
    await assert.rejects(observing(75).observe(signal), /could not tell/)
    await observing(0).provoke?.(signal)
    await assert.rejects(observing(1).provoke!(signal), /said no/)
  })

  it('takes what is no line of text, or may go on, for no public value', async () => {
    for (const script of [
      "printf 'one\\ntwo'",
      "printf '\\033[2Jkey'",
      "printf '\\377\\376'",
      'echo key; sleep 2 &',
    ]) {
      const kind = create({ observe: { command: ['/bin/sh', '-c', script] } })
      await assert.rejects(kind.observe(signal), /no public value/, script)
    }
  })

  it('only watches where there is nothing to provoke by', () => {
    const kind = create({ observe: { file: '/srv/pilcrow/key' } })
    assert.ok(!('provoke' in kind || 'archive' in kind))
  })

  it('refuses what cannot be observed, and two ways to provoke', () => {
    const command = ['/bin/true']
    assert.throws(() => create({ trigger: { command } }), /set observe|cannot be observed/)
    assert.throws(() => create({ trigger: { command }, reset: { file: '/srv/x' } }), /both/)
  })
})
