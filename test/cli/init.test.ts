import assert from 'node:assert/strict'
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { runCli } from '../../src/cli/run-cli.ts'
import { hosts } from '../init/hosts.ts'
import type { ScratchHost } from '../init/scratch-host.ts'
import { FakeTerminal, type FakeTerminalOptions } from './fake-terminal.ts'

const recipient = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'

describe('rekeyd init PRESET', () => {
  let host: ScratchHost
  let config: string

  const init = async (argv: readonly string[] = [], options: FakeTerminalOptions = {}) => {
    const terminal = new FakeTerminal(options)
    const all = ['init', 'pilcrow', '--root', host.root, '--config', config, ...argv]
    return { exit: await runCli(all, terminal), terminal }
  }

  before(async () => {
    host = await hosts['pilcrow']!()
    config = host.path('/rekeyd/rekeyd.yaml')
  })
  after(() => host.remove())

  it('with --stdout writes nothing at all', async () => {
    const { exit, terminal } = await init(['--stdout'])
    assert.equal(exit, 0, terminal.stderr)
    assert.match(terminal.stdout, /^# yaml-language-server: \$schema=\.\/rekeyd\.schema\.json\n/)
    assert.ok(!existsSync(host.path('/rekeyd')))
  })

  it('writes a config of mode 0600, the files beside it, and the store', async () => {
    const { exit, terminal } = await init()
    assert.equal(exit, 0, terminal.stderr)
    assert.equal(statSync(config).mode & 0o777, 0o600)
    assert.deepEqual(
      readdirSync(host.path('/rekeyd')).filter((name) => !name.includes('state')),
      ['pilcrow-rotate-vapid.service', 'rekeyd.yaml', 'store.key'],
    )
    assert.ok(existsSync(host.path('/rekeyd/state/store.db')))
    assert.match(terminal.stdout, /nobody can open a backup yet/)
  })

  it('writes the unit that makes Pilcrow rotate, as its user and with its options', () => {
    const unit = readFileSync(host.path('/rekeyd/pilcrow-rotate-vapid.service'), 'utf8')
    assert.match(unit, /^User=pilcrow$/m)
    assert.match(
      unit,
      /^ExecStart=\/usr\/bin\/pilcrow --address 127\.0\.0\.1 --port=8080 --database-url=sqlite:\/\/\/var\/lib\/pilcrow\/pilcrow\.db --umask 0027 rotate-vapid-key$/m,
    )
  })

  it('refuses where a config is, and leaves it', async () => {
    const text = readFileSync(config, 'utf8')
    const { exit, terminal } = await init()
    assert.equal(exit, 5)
    assert.match(terminal.stderr, /rekeyd\.yaml exists already\nhint: --force/)
    assert.equal(readFileSync(config, 'utf8'), text)
  })

  it('with --force keeps each older config, and the store', async () => {
    const store = readFileSync(host.path('/rekeyd/store.key'))
    for (const text of ['# first\n', '# second\n']) {
      writeFileSync(config, text)
      const { exit, terminal } = await init(['--force', '--recipient', recipient, '--json'])
      assert.equal(exit, 0, terminal.stderr)
      const { kept, store } = JSON.parse(terminal.stdout)
      assert.equal(store, 'kept')
      assert.equal(readFileSync(kept, 'utf8'), text)
      assert.match(readFileSync(config, 'utf8'), new RegExp(recipient))
    }
    assert.deepEqual(readFileSync(host.path('/rekeyd/store.key')), store)
    assert.deepEqual(globSync('.*', { cwd: host.path('/rekeyd') }), [])
  })

  it('asks a person for a recovery recipient', async () => {
    const { exit, terminal } = await init(['--force'], {
      terminal: true,
      typed: ['age1x', recipient],
    })
    assert.equal(exit, 0, terminal.stderr)
    assert.match(terminal.stderr, /that is not the public key of an age key pair/)
    assert.match(readFileSync(config, 'utf8'), new RegExp(`^recovery: .*${recipient}`, 'm'))
  })

  it('says what it looked for where nothing is, and writes nothing', async () => {
    mkdirSync(host.path('/empty'))
    for (const preset of ['quicprochat', 'ntfy', 'web-push', 'mastodon', 'nginx', 'quptime']) {
      const terminal = new FakeTerminal()
      const argv = [
        'init',
        preset,
        '--root',
        host.path('/empty'),
        '--config',
        host.path('/none/x.yaml'),
      ]
      assert.equal(await runCli(argv, terminal), 1)
      assert.match(
        terminal.stderr,
        new RegExp(`^error: there is no ${preset} below .*: looked for .+\nhint: .*--root DIR`),
      )
      assert.ok(!existsSync(host.path('/none')))
    }
  })

  it('refuses a preset and a root that there are not', async () => {
    const terminal = new FakeTerminal()
    assert.equal(
      await runCli(['init', 'matrix', '--config', host.path('/none/x.yaml')], terminal),
      2,
    )
    assert.match(terminal.stderr, /hint: the presets are quicprochat, pilcrow/)
    const again = new FakeTerminal()
    const argv = ['init', 'ntfy', '--root', '/nowhere', '--config', host.path('/none/x.yaml')]
    assert.equal(await runCli(argv, again), 2)
    assert.match(again.stderr, /--root \/nowhere is no folder/)
  })
})
