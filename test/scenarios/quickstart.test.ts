import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, lstatSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Database } from '@signalapp/sqlcipher'
import webPush from 'web-push'
import { createStoreFor, openOffline } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Operations } from '../../src/operations/operations.ts'
import type { RotationView } from '../../src/operations/views.ts'
import { prepareQuickstart } from '../../src/quickstart/quickstart.ts'
import { needs } from '../support/parts.ts'

const caller = { who: 'cli:test' }

/** Everything that `npm start` sets up, judged by programs that know nothing of rekeyd. */
describe('the quickstart', () => {
  let folder: string
  let chat: string
  let operations: Operations
  let site: string
  const ends: (() => unknown)[] = []
  /** Every value that was ever a secret here: none may be seen anywhere else. */
  const secrets = new Set<string>()

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-quickstart-'))
    chat = join(folder, 'chat')
    const quickstart = await prepareQuickstart(folder)
    site = quickstart.site
    ends.push(() => quickstart.close())
    const config = await loadConfig({ path: quickstart.configPath, now: Date.now() })
    await createStoreFor(config)
    const opened = await openOffline(config)
    ends.push(() => opened.close())
    operations = opened.operations
  })

  after(async () => {
    for (const end of ends.toReversed()) await end()
    rmSync(folder, { recursive: true, force: true })
  })

  const variable = (name: string) => {
    const text = readFileSync(join(chat, 'secrets.env'), 'utf8')
    const value = new RegExp(`^${name}=["']?([^"'\n]*)`, 'm').exec(text)?.[1]
    if (value) secrets.add(value)
    return value
  }

  const rotate = async (name: string): Promise<RotationView> => {
    const { id } = await operations.startRotation(name, {}, caller)
    const rotation = await operations.wait(id)
    assert.equal(rotation.result, 'succeeded', rotation.detail)
    return rotation
  }

  it('makes what is missing and adopts the database key', async () => {
    await rotate('vapid')
    const { materials } = await operations.status()
    const origins = Object.fromEntries(materials.map(({ name, active }) => [name, active?.origin]))
    assert.deepEqual(origins, {
      tls: 'generated',
      vapid: 'generated',
      'auth-token': 'generated',
      'signing-key': 'generated',
      'db-key': 'adopted',
    })
    assert.equal(lstatSync(join(chat, 'secrets.env')).mode & 0o777, 0o600)
  })

  it('rotates a VAPID key that web-push signs with, and keeps the old one for the overlap', async () => {
    const old = variable('VAPID_PRIVATE_KEY')
    await rotate('vapid')
    const [present, previous] = [variable('VAPID_PRIVATE_KEY'), variable('VAPID_PRIVATE_KEY_OLD')]
    assert.notEqual(present, old)
    assert.equal(previous, old)
    const { active } = await operations.material('vapid')
    const publicKey = active?.attributes['public_key'] ?? ''
    const headers = webPush.getVapidHeaders(
      'https://push.example.com',
      'mailto:admin@example.com',
      publicKey,
      present ?? '',
      'aes128gcm',
    )
    assert.match(headers.Authorization, new RegExp(`^vapid t=.*k=${publicKey}$`))
  })

  it('rotates a certificate that openssl sees served', needs('openssl'), async () => {
    const fingerprint = async () => {
      const address = new URL(site).host
      const client = spawn('openssl', ['s_client', '-connect', address, '-servername', 'localhost'])
      client.stdin.end()
      const served: Buffer[] = []
      client.stdout.on('data', (chunk: Buffer) => served.push(chunk))
      await once(client, 'close')
      const input = Buffer.concat(served)
      const args = ['x509', '-noout', '-fingerprint', '-sha256']
      return execFileSync('openssl', args, { input }).toString().trim().split('=')[1]
    }
    const before = await fingerprint()
    await rotate('tls')
    const now = await fingerprint()
    assert.notEqual(now, before)
    const { active } = await operations.material('tls')
    assert.equal(active?.fingerprint, `sha256:${now?.replaceAll(':', '').toLowerCase()}`)
    const path = join(chat, 'tls/current/fullchain.pem')
    const verified = execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', path, path])
    assert.match(verified.toString(), /OK/)
  })

  it('rotates a token: the new one is let in, the old one is not', async () => {
    const old = variable('AUTH_TOKEN')
    await rotate('auth-token')
    const login = (token: string | undefined) =>
      execFileSync(
        process.execPath,
        ['-e', askLogin, `${site}/login`],
        // The token goes by the environment of this one test process, never by its arguments.
        { env: { TOKEN: token, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' } },
      ).toString()
    assert.equal(login(variable('AUTH_TOKEN')), '200')
    assert.equal(login(old), '401')
  })

  it('rotates a signing key and leaves its public parts as plain files', async () => {
    variable('SIGNING_KEY')
    await rotate('signing-key')
    variable('SIGNING_KEY')
    const { versions } = await operations.material('signing-key')
    for (const { version, fingerprint } of versions) {
      const [file = ''] = globSync(join(folder, `state/public/signing-key/${version}-*`))
      const bytes = readFileSync(file)
      const { createHash } = await import('node:crypto')
      assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, fingerprint)
    }
    assert.equal(versions.length, 2)
  })

  it('re-encrypts a database of 50 MB: a genuine SQLCipher opens it by the new key only', async () => {
    const path = join(chat, 'chat.db')
    const read = (key: string | undefined) => {
      const db = new Database(path)
      try {
        db.pragma(`key = '${key}'`)
        const one = (sql: string) => Object.values(db.prepare(sql).get() ?? {})[0]
        return {
          messages: Number(one('SELECT count(*) FROM message WHERE id <= 90000')),
          rooms: Number(one('SELECT sum(messages) FROM room')) >= 90_000,
          found: Number(one(`SELECT count(*) FROM search WHERE search MATCH 'message'`)),
          sum: Number(one('SELECT sum(length(body)) FROM message WHERE id <= 90000')),
          version: one('PRAGMA user_version'),
          application: one('PRAGMA application_id'),
          mode: one('PRAGMA journal_mode'),
          integrity: one('PRAGMA integrity_check'),
          cipher: db.prepare('PRAGMA cipher_integrity_check').all().length,
        }
      } finally {
        db.close()
      }
    }
    const old = variable('DB_KEY')
    const before = read(old)
    assert.ok(lstatSync(path).size > 45_000_000)
    assert.equal(before.messages, 90_000)
    await rotate('db-key')
    assert.deepEqual(read(variable('DB_KEY')), before)
    assert.throws(() => read(old))
    assert.throws(() => read(''))
    assert.notEqual(readFileSync(path).subarray(0, 15).toString(), 'SQLite format 3')
  })

  it('shows no secret in anything that it says or keeps outside its targets', async () => {
    const said = JSON.stringify([
      await operations.status(),
      await operations.history({ limit: 100 }),
      await operations.audit(0, 1_000),
      await operations.plan(400),
      await operations.verify('db-key'),
    ])
    const kept = globSync('state/**', { cwd: folder })
      .map((name) => join(folder, name))
      // Opening the store or its lock here would drop the locks that this process holds on them.
      .filter((path) => lstatSync(path).isFile() && !/\.db|-wal|-shm/.test(path))
    assert.ok(kept.length > 5)
    assert.ok(secrets.size >= 8)
    for (const secret of secrets) {
      assert.equal(said.includes(secret), false)
      for (const path of kept) assert.equal(readFileSync(path).includes(secret), false, path)
      assert.equal(readFileSync(join(chat, 'server.log')).includes(secret), false)
    }
  })

  it('leaves no temporary file beside its targets', () => {
    const beside = globSync(['chat/.*', 'chat/tls/.*'], { cwd: folder })
    const generation = /^chat\/tls\/\.current\.rekeyd-/
    assert.equal(beside.filter((name) => generation.test(name)).length, 1)
    assert.deepEqual(
      beside.filter((name) => !generation.test(name)),
      [],
    )
  })
})

const askLogin = `
  const answer = await fetch(process.argv[1], { headers: { authorization: 'Bearer ' + process.env.TOKEN } })
  process.stdout.write(String(answer.status))
`
