import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { client as opaque, ready as opaqueReady } from '@serenity-kit/opaque'
import type { DatabaseKey } from '../../src/sqlcipher/database-key.ts'
import type { OperatorError } from '../../src/support/operator-error.ts'
import { SkippingClock } from '../fakes/skipping-clock.ts'
import { contentOf, genuineOpens, openGenuine } from '../support/databases.ts'
import { needs } from '../support/parts.ts'
import { sampleProcesses } from './process-sampler.ts'
import { quicprochatConfig } from './quicprochat-config.ts'
import {
  firstDatabaseKey,
  firstToken,
  layOutQuicprochat,
  type QuicprochatHost,
} from './quicprochat-host.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { alpn, servedBy } from './stand-ins/qpc-transport.ts'
import { systemdEnvironment } from './stand-ins/systemd-environment.ts'

const passphrase = (text: string): DatabaseKey => ({ form: 'passphrase', bytes: Buffer.from(text) })
const accepted = (name: string) => ({ accept_impact: name })

describe('quicprochat', needs('openssl', 'quic'), () => {
  const clock = new SkippingClock()
  let host: QuicprochatHost
  let rekeyd: ScratchRekeyd

  const database = () => host.path('data/qpc.db')
  const databaseKey = () => systemdEnvironment(host.path('data/secrets.env'))['QPC_DB_KEY'] ?? ''
  const content = () => contentOf(database(), { key: passphrase(databaseKey()) })
  const botToken = () => systemdEnvironment(host.path('bot/bot.env'))['QPC_ACCESS_TOKEN'] ?? ''
  const serverPid = () => Number(host.text('data/server.pid'))
  const mode = (name: string) => statSync(host.path(name)).mode & 0o777
  const leaf = (name: string) => new X509Certificate(host.read(name))
  const hello = async (token: string) => (await host.ask({ method: 'hello', token })).error

  /** The bytes of a row of `server_state`, by genuine SQLCipher. */
  const stateRow = (key: string) => {
    const db = openGenuine(database(), { key: passphrase(databaseKey()) })
    const select = db.prepare('SELECT value FROM server_state WHERE key = ?')
    const value = select.get<{ value: Uint8Array<ArrayBuffer> }>([key])?.value ?? Buffer.alloc(0)
    db.close()
    return Buffer.from(value)
  }

  const register = async (user: string, password: string) => {
    const { clientRegistrationState, registrationRequest } = opaque.startRegistration({ password })
    const question = { method: 'register-start', user, request: registrationRequest }
    const { response: registrationResponse = '' } = await host.ask(question)
    const finish = { clientRegistrationState, registrationResponse, password }
    const { registrationRecord: record } = opaque.finishRegistration(finish)
    assert.deepEqual(await host.ask({ method: 'register-finish', user, record }), {})
  }

  const login = async (user: string, password: string): Promise<boolean> => {
    const { clientLoginState, startLoginRequest } = opaque.startLogin({ password })
    const question = { method: 'login-start', user, request: startLoginRequest }
    const { response: loginResponse = '' } = await host.ask(question)
    const result = opaque.finishLogin({ clientLoginState, loginResponse, password })
    if (!result) return false
    const finish = { method: 'login-finish', user, request: result.finishLoginRequest }
    const { session } = await host.ask(finish)
    return session === result.sessionKey
  }

  before(async () => {
    await opaqueReady
    host = await layOutQuicprochat()
    await host.start()
    rekeyd = await openRekeyd(host.folder, quicprochatConfig(host), clock)
  })
  after(async () => {
    await rekeyd.close()
    await host.remove()
  })

  it('adopts all six at the first start, and changes nothing', async () => {
    const { materials } = await rekeyd.operations.status()
    assert.deepEqual(
      materials.map(({ name, state, active }) => [name, state, active?.version, active?.origin]),
      [
        'chat-auth-token',
        'chat-tls',
        'federation-tls',
        'db-key',
        'opaque-setup',
        'signing-key',
      ].map((name) => [name, 'idle', 1, 'adopted']),
    )
    assert.equal(await hello(firstToken), undefined)
    assert.deepEqual(await rekeyd.operations.history({ limit: 9 }), [])
  })

  it('does not rotate the auth token before somebody accepts who is hit (pitfall 13)', async () => {
    await assert.rejects(rekeyd.rotate('chat-auth-token'), (error: OperatorError) => {
      assert.equal(error.kind, 'refused')
      assert.match(error.message, /remote bearer clients fail/)
      return true
    })
    assert.equal(await hello(firstToken), undefined)
  })

  it('rotates the auth token in TOML and in the env file; the old one is refused', async () => {
    const toml = host.text('etc/qpc-server.toml')
    const bot = host.text('bot/bot.env')
    assert.match(firstToken, /\/.*&/)
    const { steps } = await rekeyd.renew('chat-auth-token', accepted('chat-auth-token'))
    const token = botToken()

    await it('which the server and the bot prove', async () => {
      assert.match(token, /^[\w-]{43}$/)
      assert.equal(await hello(token), undefined)
      assert.equal(await hello(firstToken), 'bad token')
      const resumed = steps.filter(({ name }) => name === 'resume').map(({ subject }) => subject)
      assert.deepEqual(resumed, ['chat-server', 'chat-bot'])
    })
    await it('although the old one has / and & (pitfall 9), not in other sections, spaces kept', () => {
      assert.equal(host.text('etc/qpc-server.toml'), toml.replace(firstToken, token))
      assert.match(host.text('etc/qpc-server.toml'), /auth_token = "of another section"/)
    })
    await it('and leaves the symbolic link to the TOML file a link (pitfall 9)', () => {
      assert.ok(lstatSync(host.path('data/qpc-server.toml')).isSymbolicLink())
      assert.ok(!lstatSync(host.path('etc/qpc-server.toml')).isSymbolicLink())
    })
    await it('and has the variable once, its neighbour untouched (pitfall 10)', () => {
      const now = host.text('bot/bot.env')
      assert.equal(now.match(/QPC_ACCESS_TOKEN=/g)?.length, 1)
      assert.equal(now.split('\n')[0], bot.split('\n')[0])
      assert.ok(!now.includes(firstToken))
    })
    await it('and keeps the modes of both files (pitfall 16)', () => {
      assert.deepEqual([mode('etc/qpc-server.toml'), mode('bot/bot.env')], [0o640, 0o600])
    })
  })

  it('imports what certbot renewed, and the server serves it over QUIC', async () => {
    host.renewByCertbot(2)
    const files = {
      certificate: host.path('live/fullchain.pem'),
      private_key: host.path('live/privkey.pem'),
    }
    const rotation = await rekeyd.import('chat-tls', files)
    assert.equal(rotation?.result, 'succeeded', rotation?.detail)

    await it('as its fingerprint shows, asked by a handshake and not by grep (pitfall 23)', async () => {
      const [served] = await servedBy(host.ports.clients, alpn.clients)
      const renewed = new X509Certificate(host.read('archive/cert2.pem')).raw
      assert.deepEqual(Buffer.from(served ?? []), renewed)
      assert.deepEqual(host.read('data/server-cert.der'), renewed)
    })
    await it('with a key in PKCS#8, not SEC1 (pitfall 15), and 0600 where it was 0644 (pitfall 16)', () => {
      const [key, type] = [host.read('data/server-key.der'), 'pkcs8'] as const
      assert.ok(
        leaf('data/server-cert.der').checkPrivateKey(
          createPrivateKey({ key, format: 'der', type }),
        ),
      )
      assert.match(
        host.openssl('asn1parse', '-inform', 'DER', '-in', 'data/server-key.der'),
        /id-ecPublicKey/,
      )
      assert.equal(mode('data/server-key.der'), 0o600)
    })
    await it('and no server ever saw half a pair: it was stopped in between (pitfalls 18, 21)', () => {
      const names = rotation?.steps.map(({ name }) => name)
      assert.deepEqual(names, [
        'stage',
        'stage',
        'quiesce',
        'activate',
        'activate',
        'resume',
        'verify',
      ])
      assert.doesNotMatch(host.text('server.log'), /missing|consistent/)
    })
  })

  it('does not restart anything when the hook runs and nothing was renewed (pitfall 19)', async () => {
    const pid = serverPid()
    const files = {
      certificate: host.path('live/fullchain.pem'),
      private_key: host.path('live/privkey.pem'),
    }
    assert.equal(await rekeyd.import('chat-tls', files), undefined)
    assert.equal(serverPid(), pid)
  })

  it('takes a renewal up by itself where no hook told it', async () => {
    host.renewByCertbot(3)
    const finished = new Promise<string>((resolve) =>
      rekeyd.on((event) => event.type === 'rotation.finished' && resolve(event.result)),
    )
    await rekeyd.start()
    clock.skip(300_000)
    assert.equal(await finished, 'succeeded')
    const [served] = await servedBy(host.ports.clients, alpn.clients)
    assert.deepEqual(
      Buffer.from(served ?? []),
      new X509Certificate(host.read('archive/cert3.pem')).raw,
    )
  })

  it('refuses a certificate with the key of another before anything is touched (pitfall 18)', async () => {
    const [pid, cert] = [serverPid(), host.read('data/server-cert.der')]
    const files = {
      certificate: host.path('archive/fullchain2.pem'),
      private_key: host.path('live/privkey.pem'),
    }
    await assert.rejects(rekeyd.import('chat-tls', files), /do not match/)
    assert.deepEqual([serverPid(), host.read('data/server-cert.der')], [pid, cert])
  })

  it('does not pretend that one DER file can hold a chain, and hands the rest out (pitfall 14)', async () => {
    const yaml = quicprochatConfig(host).replace('part: certificate', 'part: fullchain')
    await assert.rejects(
      openRekeyd(host.path('other'), yaml),
      /part `fullchain` has no format `der`/,
    )
    const chain = host.path('chain.pem')
    const who = { who: 'cli:operator' }
    await rekeyd.operations.reveal('chat-tls', undefined, 'chain', 'pem', chain, who)
    const verify = ['verify', '-x509_strict', '-CAfile', 'ca/root.pem']
    const cert = ['archive/cert3.pem']
    assert.throws(() => host.openssl(...verify, ...cert))
    assert.equal(host.openssl(...verify, '-untrusted', chain, ...cert), 'archive/cert3.pem: OK\n')
  })

  it('makes a federation certificate that every peer of the CA accepts (pitfall 20)', async () => {
    const before = host.read('data/federation-cert.der')
    await rekeyd.renew('federation-tls')
    const [served] = await servedBy(host.ports.federation, alpn.federation)
    assert.deepEqual(Buffer.from(served ?? []), host.read('data/federation-cert.der'))
    assert.notDeepEqual(host.read('data/federation-cert.der'), before)
    host.openssl(
      'x509',
      '-inform',
      'DER',
      '-in',
      'data/federation-cert.der',
      '-out',
      'federation.pem',
    )
    const verify = ['verify', '-x509_strict', '-CAfile', 'ca/federation.pem']
    for (const purpose of ['sslserver', 'sslclient']) {
      const checks = ['-purpose', purpose, '-verify_hostname', 'chat.example.com', 'federation.pem']
      assert.equal(host.openssl(...verify, ...checks), 'federation.pem: OK\n')
    }
    const text = host.openssl('x509', '-in', 'federation.pem', '-noout', '-text')
    for (const expected of [/Version: 3/, /DNS:chat\.example\.com/, /CA:FALSE/])
      assert.match(text, expected)
    assert.equal(mode('data/federation-key.der'), 0o600)
  })

  it('rotates the OPAQUE setup: old records fail, and users register again', async () => {
    await register('alice', 'correct horse')
    assert.equal(await login('alice', 'correct horse'), true)
    const [before, old] = [content(), stateRow('opaque_setup')]
    const seed = stateRow('signing_key_seed')
    await assert.rejects(rekeyd.rotate('opaque-setup'), /must register again/)
    const { steps } = await rekeyd.renew('opaque-setup', accepted('opaque-setup'))

    await it('in the order archive, stop, delete, start, observe', () => {
      const names = steps.map(({ name }) => name)
      assert.deepEqual(names, ['archive', 'quiesce', 'provoke', 'resume', 'observe'])
    })
    await it('by exactly that row, although the key of the database has a quote (pitfall 22)', () => {
      assert.match(databaseKey(), /'/)
      const setup = stateRow('opaque_setup')
      assert.equal(setup.length, 128)
      assert.notDeepEqual(setup, old)
      assert.deepEqual(stateRow('signing_key_seed'), seed)
      const rows = (content: Record<string, unknown>) => {
        const { server_state: _, ...others } = content['rows'] as Record<string, string>
        return others
      }
      const now = content()
      assert.deepEqual(rows(now), rows(before))
      assert.equal(now['integrity'], 'ok')
    })
    await it('so that the old record is worth nothing, and a new one works', async () => {
      assert.equal(await login('alice', 'correct horse'), false)
      await register('bob', 'battery staple')
      assert.equal(await login('bob', 'battery staple'), true)
      assert.equal(await login('bob', 'wrong'), false)
    })
  })

  it('rotates the signing key, and archives the old public one first (pitfall 22)', async () => {
    const { key: old = '' } = await host.ask({ method: 'signing-key' })
    const setup = stateRow('opaque_setup')
    await rekeyd.renew('signing-key', accepted('signing-key'))
    const { key } = await host.ask({ method: 'signing-key' })
    assert.notEqual(key, old)
    assert.equal(stateRow('signing_key_seed').length, 32)
    assert.deepEqual(stateRow('opaque_setup'), setup)
    const archive = host.path('rekeyd/state/public')
    const kept = readdirSync(archive, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => host.read(`${parentPath}/${name}`.slice(host.folder.length)))
    assert.ok(kept.some((bytes) => bytes.equals(Buffer.from(old, 'base64url'))))
  })

  it('rotates the database key with the log full, after a server that was killed', async () => {
    for (let row = 0; row < 10; row += 1) await host.ask({ method: 'deliver' })
    const [before, old] = [content(), databaseKey()]
    process.kill(serverPid(), 'SIGKILL')
    assert.ok(statSync(`${database()}-wal`).size > 0)
    const beside: string[] = []
    const stop = rekeyd.on((event) => {
      if (event.type !== 'rotation.step' || event.step !== 'activate') return
      beside.push(
        ...['-wal', '-shm', '-journal'].filter((suffix) => existsSync(database() + suffix)),
      )
    })
    await rekeyd.renew('db-key')
    stop()

    await it('so that the new key opens, and neither the old one nor none does (pitfalls 1, 2)', () => {
      assert.match(databaseKey(), /^[\w-]{43}$/)
      assert.equal(genuineOpens(database(), { key: passphrase(databaseKey()) }), true)
      assert.equal(genuineOpens(database(), { key: passphrase(old) }), false)
      assert.equal(genuineOpens(database(), {}), false)
    })
    await it('and every row, setting, trigger and index is as before (pitfalls 4, 5)', () => {
      assert.deepEqual(content(), before)
    })
    await it('and no log of the old file lay beside the new one (pitfall 6)', () => {
      assert.deepEqual(beside, [])
    })
    await it('and no copy under the old key is left (pitfall 7)', () => {
      assert.deepEqual(
        readdirSync(host.path('data'))
          .filter((name) => name.includes('.db'))
          .toSorted(),
        ['qpc.db', 'qpc.db-shm', 'qpc.db-wal'],
      )
    })
    await it('and file and environment file stay 0600, the variable stands once (pitfalls 10, 16)', () => {
      assert.deepEqual([mode('data/qpc.db'), mode('data/secrets.env')], [0o600, 0o600])
      assert.equal(host.text('data/secrets.env').match(/QPC_DB_KEY=/g)?.length, 1)
      assert.match(host.text('data/secrets.env'), /^# EnvironmentFile=\nQPC_LOG=info\nQPC_DB_KEY=/)
    })
  })

  it('does what the plain tools only claim to do (pitfalls 1, 2)', needs('sqlcipher'), () => {
    const before = host.read('data/qpc.db').subarray(0, 16)
    const sql = `PRAGMA key = '${databaseKey()}';\nPRAGMA rekey = 'new-encryption-key';\n`
    const copy = host.path('copy.db')
    writeFileSync(copy, host.read('data/qpc.db'), { mode: 0o600 })
    execFileSync('sqlcipher', ['-batch', copy], { input: sql, stdio: 'pipe' })
    assert.equal(genuineOpens(copy, { key: passphrase('new-encryption-key') }), false)
    assert.deepEqual(host.read('copy.db').subarray(0, 16), before)
    rmSync(copy)
  })

  it('gives no secret to arguments or environment of any process (pitfall 8)', async () => {
    const secrets = [databaseKey(), botToken()]
    const sampled = await sampleProcesses(async () => {
      await rekeyd.renew('db-key')
      await rekeyd.renew('chat-auth-token', accepted('chat-auth-token'))
    })
    const texts = [...sampled.commands, ...sampled.environments]
    for (const name of ['rekey-child', 'qpc-token-probe', 'qpc-bot', 'quicprochat-server']) {
      assert.ok(
        texts.some((text) => text.includes(name)),
        `${name} was not seen`,
      )
    }
    for (const secret of [...secrets, databaseKey(), botToken()]) {
      assert.ok(!texts.some((text) => text.includes(secret)))
    }
  })

  it('prints no key: not in events, history, audit, metrics, status or logs (pitfall 12)', async () => {
    const { operations } = rekeyd
    const told = [
      JSON.stringify(rekeyd.events),
      JSON.stringify(await operations.status()),
      JSON.stringify(await operations.history({ limit: 100 })),
      JSON.stringify(await operations.audit(0, 1_000)),
      await rekeyd.metrics(),
      host.text('server.log'),
    ].join('\n')
    const seed = stateRow('signing_key_seed')
    const secrets = [databaseKey(), botToken(), firstToken, "it's; the"]
    secrets.push(seed.toString('hex'), seed.toString('base64').slice(0, 42))
    for (const secret of secrets) assert.ok(!told.includes(secret))
    assert.match(told, /chat-auth-token/)
  })

  it('lets one rotation at a time near the server, and records each (pitfall 24)', async () => {
    const first = rekeyd.renew('federation-tls')
    await assert.rejects(rekeyd.rotate('chat-tls'), ({ kind }: OperatorError) => kind === 'busy')
    const { id } = await first
    const [latest] = await rekeyd.operations.history({ limit: 1 })
    assert.deepEqual([latest?.id, latest?.actor, latest?.result], [id, 'cli:operator', 'succeeded'])
  })

  it('leaves nothing beside its targets: no temporary file, no .bak (pitfall 17)', () => {
    const files = ['data', 'etc', 'bot', 'live'].flatMap((name) => readdirSync(host.path(name)))
    assert.deepEqual(
      files.filter((name) => /rekeyd|\.bak|\.tmp|rotating/.test(name)),
      [],
    )
  })

  it('makes no database where a path is mistyped, and touches none with a wrong key (pitfall 3)', async () => {
    const mistyped = quicprochatConfig(host).replaceAll('data/qpc.db', 'data/qpc-typo.db')
    const typo = await openRekeyd(host.path('typo'), mistyped)
    await assert.rejects(
      typo.rotate('db-key'),
      ({ kind }: OperatorError) => kind === 'needs-attention',
    )
    await typo.close()
    assert.ok(!existsSync(host.path('data/qpc-typo.db')))

    const before = host.read('data/qpc.db').subarray(0, 16)
    writeFileSync(
      host.path('bot/wrong.env'),
      `QPC_DB_KEY='${firstDatabaseKey.replaceAll("'", '')}'\n`,
    )
    const wrong = quicprochatConfig(host).replaceAll('data/secrets.env', 'bot/wrong.env')
    const other = await openRekeyd(host.path('wrong'), wrong)
    await assert.rejects(other.rotate('db-key'), /does not hold the db-key|no known key/)
    await other.close()
    assert.deepEqual(host.read('data/qpc.db').subarray(0, 16), before)
  })

  it('is judged by a server that would not start with less (pitfall 21)', async () => {
    await host.stop()
    const start = () => spawnSync(process.execPath, host.command.slice(1), { encoding: 'utf8' })
    renameSync(host.path('data/server-key.der'), host.path('key'))
    assert.match(start().stderr, /TLS cert or key missing/)
    renameSync(host.path('key'), host.path('data/server-key.der'))
    const [toml, token] = [host.text('etc/qpc-server.toml'), botToken()]
    for (const weak of ['devtoken', 'fifteen-letters']) {
      writeFileSync(host.path('etc/qpc-server.toml'), toml.replace(token, weak))
      assert.match(start().stderr, /production forbids/)
    }
  })
})
