import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../../src/cli/run-cli.ts'
import { FakeTerminal } from '../cli/fake-terminal.ts'
import { contentOf } from '../support/databases.ts'
import { needs } from '../support/parts.ts'
import { freePort } from './free-port.ts'
import { firstDatabaseKey, layOutQuicprochat, type QuicprochatHost } from './quicprochat-host.ts'
import { openConfig, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { processSystemctl } from './stand-ins/process-systemctl.ts'
import { endStandIn } from './stand-ins/started-process.ts'
import { systemdEnvironment } from './stand-ins/systemd-environment.ts'

const standIn = (name: string) => join(import.meta.dirname, 'stand-ins', name)

/** `rekeyd init` on a host below `root`; then only the place of systemctl is written in. */
async function initialise(preset: string, root: string, systemctl: string): Promise<string> {
  const config = join(root, 'rekeyd/rekeyd.yaml')
  const terminal = new FakeTerminal()
  const argv = ['init', preset, '--root', root, '--config', config, '--json']
  assert.equal(await runCli(argv, terminal), 0, terminal.stderr)
  const { store } = JSON.parse(terminal.stdout)
  assert.equal(store, 'made')
  const text = readFileSync(config, 'utf8')
    .replace(/systemd: (\S+\.service)$/gm, `systemd: { unit: $1, systemctl: ${systemctl} }`)
    .replace(/systemd: (\S+\.service) \}$/gm, `systemd: $1, systemctl: ${systemctl} }`)
    .replace(/unit: (\S+\.service) \}/g, `unit: $1, systemctl: ${systemctl} }`)
  writeFileSync(config, text, { mode: 0o600 })
  return config
}

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text, { mode: 0o600 })
}

async function adopted(rekeyd: ScratchRekeyd) {
  const { materials } = await rekeyd.operations.status()
  return materials.map(({ name, state, active }) => [name, state, active?.origin])
}

describe('rekeyd init quicprochat, and what comes of it', needs('openssl', 'quic'), () => {
  let host: QuicprochatHost
  let units: ReturnType<typeof processSystemctl>
  let rekeyd: ScratchRekeyd

  before(async () => {
    host = await layOutQuicprochat()
    layOut(host.folder)
    units = processSystemctl({
      'qpc-server.service': { argv: host.command, pidFile: host.pidFile },
      'chat-bot.service': { argv: host.bot },
    })
    await host.start()
    rekeyd = await openConfig(await initialise('quicprochat', host.folder, units.path))
  })
  after(async () => {
    await rekeyd.close()
    await host.remove()
    units.remove()
  })

  function layOut(root: string): void {
    mkdirSync(join(root, 'var/lib'), { recursive: true })
    mkdirSync(join(root, 'etc/letsencrypt/live'), { recursive: true })
    symlinkSync('../../data', join(root, 'var/lib/quicprochat'))
    symlinkSync('../../../live', join(root, 'etc/letsencrypt/live/chat'))
    symlinkSync('../ca/federation.pem', join(root, 'data/federation-ca.pem'))
    symlinkSync('../ca/federation.key', join(root, 'data/federation-ca-key.pem'))
    const unit = (start: string, file: string) =>
      `[Service]\nExecStart=${start}\nEnvironmentFile=${file}\n`
    const folder = 'usr/lib/systemd/system'
    const server = '/usr/bin/qpc-server --config /etc/qpc-server.toml'
    write(root, `${folder}/qpc-server.service`, unit(server, '/var/lib/quicprochat/secrets.env'))
    write(root, `${folder}/chat-bot.service`, unit('/usr/bin/chat-bot', '/bot/bot.env'))
  }

  it('adopts everything that init found', async () => {
    assert.deepEqual(
      await adopted(rekeyd),
      [
        'chat-tls',
        'federation-tls',
        'db-key',
        'opaque-setup',
        'signing-key',
        'chat-auth-token',
      ].map((name) => [name, 'idle', 'adopted']),
    )
  })

  it('rotates the database key, as genuine SQLCipher sees it', async () => {
    const key = () => systemdEnvironment(host.path('data/secrets.env'))['QPC_DB_KEY'] ?? ''
    const passphrase = (text: string) => ({ form: 'passphrase', bytes: Buffer.from(text) }) as const
    const content = () => contentOf(host.path('data/qpc.db'), { key: passphrase(key()) })
    assert.equal(key(), firstDatabaseKey)
    await rekeyd.renew('db-key', { now: true })
    assert.notEqual(key(), firstDatabaseKey)
    assert.ok(content())
    assert.equal((await host.ask({ method: 'deliver' })).error, undefined)
  })
})

describe('rekeyd init pilcrow, and what comes of it', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rekeyd-init-pilcrow-')))
  const pidFile = join(root, 'pilcrow.pid')
  const wrapper = join(root, 'usr/bin/pilcrow')
  let units: ReturnType<typeof processSystemctl>
  let rekeyd: ScratchRekeyd
  let port = 0

  const shownKey = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/boot`)
    return ((await answer.json()) as { vapid: { key: string } }).vapid.key
  }

  before(async () => {
    port = await freePort('tcp')
    mkdirSync(join(root, 'data'))
    const stand = [process.execPath, standIn('pilcrow.ts'), join(root, 'data/pilcrow.db')]
    write(
      root,
      'etc/systemd/system/pilcrow.service',
      `[Service]\nExecStart=/usr/bin/pilcrow --port ${port} --database-url "sqlite:///a b"\n`,
    )
    write(
      root,
      'usr/bin/pilcrow',
      `#!/bin/sh\n[ "$4" = 'sqlite:///a b' ] && [ "$5" = rotate-vapid-key ] && exec ${stand.join(' ')} rotate-vapid-key\nexit 1\n`,
    )
    const rotate = `line=$(sed -n 's/^ExecStart=//p' ${root}/rekeyd/pilcrow-rotate-vapid.service); eval "sh ${root}$line"`
    units = processSystemctl({
      'pilcrow.service': { argv: [...stand, 'serve', String(port), pidFile], pidFile },
      'pilcrow-rotate-vapid.service': { argv: ['/bin/sh', '-c', rotate] },
    })
    execFileSync(units.path, ['start', 'pilcrow.service'])
    rekeyd = await openConfig(await initialise('pilcrow', root, units.path))
  })
  after(async () => {
    await rekeyd.close()
    await endStandIn(pidFile)
    units.remove()
    rmSync(root, { recursive: true })
  })

  it('watches the key that Pilcrow shows', async () => {
    assert.deepEqual(await adopted(rekeyd), [['pilcrow-vapid', 'idle', 'adopted']])
    const { active } = await rekeyd.operations.material('pilcrow-vapid')
    assert.equal(active?.fingerprint, await shownKey())
  })

  it('makes it rotate by the unit that init wrote, with the options of the server', async () => {
    const [old, wrapped] = [await shownKey(), readFileSync(wrapper, 'utf8')]
    await rekeyd.renew('pilcrow-vapid', { now: true, accept_impact: 'pilcrow-vapid' })
    assert.notEqual(await shownKey(), old)
    assert.equal(readFileSync(wrapper, 'utf8'), wrapped)
  })
})

describe('rekeyd init quptime, and what comes of it', needs('openssl'), () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'rekeyd-init-qu-')))
  const data = join(root, 'etc/quptime')
  const pidFile = join(root, 'qu.pid')
  const nodeId = 'aa9619ff-8b86-4d01-b42d-00cf4fc964ff'
  let units: ReturnType<typeof processSystemctl>
  let rekeyd: ScratchRekeyd

  before(async () => {
    const port = await freePort('tcp')
    const node = `node_id: ${nodeId}\nbind_port: ${port}\ncluster_secret: Zm9vYmFyYmF6cXV4K2Zvby9iYXI=\n`
    write(root, 'etc/quptime/node.yaml', node)
    write(root, 'etc/quptime/cluster.yaml', `version: 3\npeers:\n  - node_id: ${nodeId}\n`)
    write(
      root,
      'lib/systemd/system/quptime.service',
      '[Service]\nEnvironment=QUPTIME_DIR=/etc/quptime\nExecStart=/usr/local/bin/qu serve\n',
    )
    mkdirSync(join(data, 'keys'), { mode: 0o700 })
    const run = (...args: string[]) => execFileSync('openssl', args, { cwd: data, stdio: 'pipe' })
    run('genrsa', '-traditional', '-out', 'keys/private.pem', '3072')
    run(
      'req',
      '-x509',
      '-key',
      'keys/private.pem',
      '-out',
      'keys/cert.pem',
      '-subj',
      `/O=quptime/CN=${nodeId}`,
      '-days',
      '3650',
    )
    writeFileSync(
      join(data, 'keys/public.pem'),
      run('x509', '-in', 'keys/cert.pem', '-noout', '-pubkey'),
    )
    units = processSystemctl({
      'quptime.service': { argv: [process.execPath, standIn('qu.ts'), data, pidFile], pidFile },
    })
    execFileSync(units.path, ['start', 'quptime.service'])
    rekeyd = await openConfig(await initialise('quptime', root, units.path))
  })
  after(async () => {
    await rekeyd.close()
    await endStandIn(pidFile)
    units.remove()
    rmSync(root, { recursive: true })
  })

  it('adopts secret and identity', async () => {
    const expected = ['cluster-secret', 'node-identity'].map((name) => [name, 'idle', 'adopted'])
    assert.deepEqual(await adopted(rekeyd), expected)
  })

  it('rotates the identity, proved by what the node serves', async () => {
    const before = readFileSync(join(data, 'keys/cert.pem'), 'utf8')
    await rekeyd.renew('node-identity', { now: true })
    assert.notEqual(readFileSync(join(data, 'keys/cert.pem'), 'utf8'), before)
  })
})
