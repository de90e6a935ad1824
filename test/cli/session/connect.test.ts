import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, linkSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../../../src/cli/run-cli.ts'
import { findDaemon, socketsToTry } from '../../../src/cli/session/find-daemon.ts'
import { rekeydParts } from '../../../src/cli/session/rekeyd-parts.ts'
import { FakeTerminal } from '../fake-terminal.ts'

const nowhere = { directory: '/home/eve', environment: {}, now: 0 }

describe('looking for the daemon', () => {
  it('tries the usual sockets', () => {
    assert.deepEqual(socketsToTry(nowhere), ['/home/eve/var/admin.sock', '/run/rekeyd/admin.sock'])
  })

  it('tries no other than the one that is named: --socket before REKEYD_SOCKET', () => {
    const environment = { REKEYD_SOCKET: '/run/env.sock' }
    assert.deepEqual(socketsToTry({ ...nowhere, environment }), ['/run/env.sock'])
    const named = { ...nowhere, environment, socket: 'mine.sock' }
    assert.deepEqual(socketsToTry(named), ['/home/eve/mine.sock'])
  })

  it('leaves it to a config that is named', () => {
    assert.deepEqual(socketsToTry({ ...nowhere, config: 'rekeyd.yaml' }), [])
  })
})

describe('a socket', () => {
  let directory = ''
  const healthy = createServer((_, answer) => void answer.end('{"status":"ok"}'))
  const unwell = createServer((_, answer) => {
    answer.statusCode = 503
    answer.end('{}')
  })

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rekeyd-cli-'))
    healthy.listen(join(directory, 'healthy.sock'))
    unwell.listen(join(directory, 'unwell.sock'))
    await Promise.all([once(healthy, 'listening'), once(unwell, 'listening')])
  })

  after(() => {
    healthy.close()
    unwell.close()
    rmSync(directory, { recursive: true })
  })

  async function run(...argv: string[]) {
    const terminal = new FakeTerminal({ directory })
    const exit = await runCli(argv, terminal, rekeydParts)
    return { exit, stdout: terminal.stdout, stderr: terminal.stderr }
  }

  it('on which a daemon answers is found', async () => {
    const environment = { REKEYD_SOCKET: 'healthy.sock' }
    const found = await findDaemon({ directory, environment, now: 0 })
    assert.equal(found, join(directory, 'healthy.sock'))
  })

  it('that a dead daemon left behind counts as none', async () => {
    const path = join(directory, 'dead.sock')
    const server = createSocketServer().listen(path)
    await once(server, 'listening')
    // Closing removes the file: another name for it stays, as after kill -9.
    linkSync(path, `${path}.left`)
    server.close()
    await once(server, 'close')
    assert.ok(existsSync(`${path}.left`))
    const environment = { REKEYD_SOCKET: `${path}.left` }
    assert.equal(await findDaemon({ directory, environment, now: 0 }), undefined)
  })

  it('that was asked for and does not answer is exit 4', async () => {
    const { exit, stderr, stdout } = await run('status', '--json', '--socket', 'none.sock')
    assert.equal(exit, 4)
    assert.equal(JSON.parse(stdout).error.kind, 'locked')
    assert.match(stderr, /^error: no daemon answers on none\.sock\nhint: .+\n$/)
  })

  it('is not needed where a config is named: then that is judged, exit 3', async () => {
    const { exit, stderr } = await run('status', '--config', 'none.yaml')
    assert.equal(exit, 3)
    assert.match(stderr, /none\.yaml: no such file\nhint: /)
  })

  const installed = ['/etc/rekeyd', '/run/rekeyd'].find((path) => existsSync(path))
  const fresh = { skip: installed !== undefined && `rekeyd is installed here (${installed})` }

  it('and a config both absent are exit 4', fresh, async () => {
    const { exit, stderr } = await run('status')
    assert.equal(exit, 4)
    assert.match(stderr, /^error: no daemon answers, and there is no config .+\nhint: .+\n$/)
  })

  it('is asked by healthcheck', async () => {
    assert.deepEqual((await run('healthcheck', '--socket', 'healthy.sock')).exit, 0)
    assert.deepEqual((await run('healthcheck', '--socket', 'unwell.sock')).exit, 1)
    const { exit, stderr } = await run('healthcheck', '--socket', 'none.sock')
    assert.equal(exit, 1)
    assert.match(stderr, /no daemon answers\nhint: /)
  })

  it('is critical for monitoring when nobody answers on it', async () => {
    const { exit, stdout } = await run('status', '--check', '--socket', 'none.sock')
    assert.equal(exit, 2)
    assert.equal(stdout, 'REKEYD CRITICAL - no daemon answers on none.sock\n')
  })
})

describe('the commands about a config', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'rekeyd-cli-'))
    write('good.yaml', `${places(directory)}materials:\n  vapid:\n    ${vapid}\n`)
    write('bad.yaml', `state_dirr: /var/lib/rekeyd\nmaterials:\n  vapid:\n    ${vapid}\n`)
  })
  after(() => rmSync(directory, { recursive: true }))

  const places = (folder: string) =>
    `state_dir: ${folder}/state\nadmin: { socket: { path: ${folder}/none.sock } }\n`
  const vapid = 'kind: vapid\n    rotate: { every: 30d }\n    verify: none'

  function write(name: string, text: string): void {
    writeFileSync(join(directory, name), text)
    chmodSync(join(directory, name), 0o600)
  }

  async function run(...argv: string[]) {
    const terminal = new FakeTerminal({ directory })
    const exit = await runCli(argv, terminal, rekeydParts)
    return { exit, stdout: terminal.stdout, stderr: terminal.stderr }
  }

  it('say ok and what was found', async () => {
    const { exit, stdout } = await run('check-config', 'good.yaml')
    assert.equal(exit, 0)
    const path = join(directory, 'good.yaml')
    assert.equal(
      stdout,
      `ok: ${path}\n1 material, 0 consumers, 0 windows; mode rotate\n  vapid (vapid)\n`,
    )
    const { stdout: json } = await run('check-config', '--config', 'good.yaml', '--json')
    assert.deepEqual(JSON.parse(json).materials, ['vapid'])
  })

  it('lead to the daemon that the config names, and a check opens no store instead', async () => {
    const { exit, stdout } = await run('status', '--check', '--config', 'good.yaml')
    assert.equal(exit, 2)
    assert.equal(stdout, `REKEYD CRITICAL - no daemon answers on ${directory}/none.sock\n`)
    assert.ok(!existsSync(join(directory, 'state')))
  })

  it('locate what is wrong: exit 3', async () => {
    const { exit, stderr } = await run('check-config', 'bad.yaml')
    assert.equal(exit, 3)
    assert.match(stderr, /^error: \S+bad\.yaml:1:1: .*state_dir.*\nhint: /)
  })

  it('print the JSON Schema', async () => {
    const { exit, stdout } = await run('schema')
    assert.equal(exit, 0)
    assert.ok(JSON.parse(stdout).properties.materials)
    assert.ok(JSON.parse((await run('schema', '--json')).stdout).schema.properties.materials)
  })
})
