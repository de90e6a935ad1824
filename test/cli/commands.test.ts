import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { runCli } from '../../src/cli/run-cli.ts'
import type { CliParts } from '../../src/cli/session/parts.ts'
import type { Config } from '../../src/config/config.ts'
import type { RotationView } from '../../src/operations/views.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { FakeOperations, rotationOf } from './fake-operations.ts'
import { FakeTerminal, type FakeTerminalOptions, fakeParts } from './fake-terminal.ts'

/** Runs a command against the fake host. */
async function run(
  argv: readonly string[],
  {
    operations = new FakeOperations(),
    parts = {},
    ...options
  }: FakeTerminalOptions & { operations?: FakeOperations; parts?: Partial<CliParts> } = {},
) {
  const terminal = new FakeTerminal(options)
  const exit = await runCli(argv, terminal, fakeParts(operations, parts))
  return { exit, terminal, asked: operations.asked }
}

const config: Config = {
  path: '/home/eve/var/rekeyd.yaml',
  mode: 'rotate',
  stateDir: '/home/eve/var/state',
  storeKey: { file: '/home/eve/var/store.key' },
  socket: { path: '/home/eve/var/admin.sock', mode: 0o600 },
  metrics: { host: '::1', port: 9470 },
  recipients: [],
  windows: [],
  consumers: [],
  materials: [],
}

describe('what a command asks for', () => {
  it('is asked in the name of the person, with the reason', async () => {
    const { asked } = await run(['pause', 'vapid', '--reason', 'holiday', '--until', '4h'])
    assert.deepEqual(asked, [
      {
        what: 'pause',
        caller: { who: 'cli:eve', why: 'holiday' },
        with: ['vapid', '2027-01-01T04:00:00.000Z', 'holiday'],
      },
    ])
  })

  it('names files as the person sees them, not the daemon', async () => {
    const files = [
      '--certificate',
      'live/fullchain.pem',
      '--key',
      '/etc/key.pem',
      '--part',
      'ca=ca',
    ]
    const { asked } = await run(['import', 'chat-tls', ...files])
    assert.deepEqual(asked[0]?.with[1], [
      { part: 'certificate', path: '/home/eve/live/fullchain.pem' },
      { part: 'private_key', path: '/etc/key.pem' },
      { part: 'ca', path: '/home/eve/ca' },
    ])
    const revealed = await run(['reveal', 'vapid', '--out', 'vapid.key', '--version', '2'])
    assert.deepEqual(revealed.asked[0]?.with, [
      'vapid',
      2,
      undefined,
      undefined,
      '/home/eve/vapid.key',
    ])
  })

  it('is what was confirmed, and nothing more', async () => {
    const { asked } = await run(['rotate', 'chat-tls', '--reason', 'compromise', '--now'])
    assert.deepEqual(asked[0]?.with, ['chat-tls', { reason: 'compromise', now: true }])
  })

  it('is nothing at all for a dry run', async () => {
    const { asked } = await run(['rotate', 'vapid', '--dry-run'])
    assert.deepEqual(asked, [])
  })

  it('is nothing at all when the answer is no', async () => {
    const options = { terminal: true, typed: ['auth-tokn'] }
    assert.deepEqual((await run(['rotate', 'auth-token'], options)).asked, [])
    assert.deepEqual((await run(['compromise', 'auth-token'], options)).asked, [])
  })
})

describe('an incident', () => {
  it('replaces in order, in the name of the person, each with its impact accepted', async () => {
    const argv = ['incident', '--all', '--accept-impact=chat-1', '--reason', 'broken into']
    const { asked } = await run(argv)
    const caller = { who: 'cli:eve', why: 'broken into' }
    assert.deepEqual(
      asked,
      ['vapid', 'chat-tls', 'db-key', 'auth-token', 'broken', 'failing', 'unproved'].map(
        (name) => ({
          what: 'compromise',
          caller,
          with: [name, { accept_impact: name }],
        }),
      ),
    )
  })

  it('asks nothing of the daemon but where things stand before somebody agrees', async () => {
    for (const argv of [['incident'], ['incident', '--plan'], ['incident', '--all']]) {
      assert.deepEqual((await run(argv)).asked, [])
    }
  })

  it('goes on where a material cannot be tried, and says why', async () => {
    class Refusing extends FakeOperations {
      override async compromise(...asked: Parameters<FakeOperations['compromise']>) {
        if (asked[0] === 'vapid') throw new OperatorError('not for one host', { kind: 'refused' })
        return super.compromise(...asked)
      }
    }
    const operations = new Refusing(new FakeOperations().materials.slice(0, 2))
    const argv = ['incident', '--all', '--accept-impact=chat-1', '--json']
    const { exit, terminal } = await run(argv, { operations })
    assert.equal(exit, 7)
    const { results } = JSON.parse(terminal.stdout) as { results: readonly object[] }
    const refused = { material: 'vapid', result: 'not_replaced', detail: 'not for one host' }
    assert.deepEqual(results[0], refused)
    assert.equal(operations.asked.length, 1)
  })

  it('ends well when everything was replaced', async () => {
    const operations = new FakeOperations(new FakeOperations().materials.slice(0, 2))
    const { exit } = await run(['incident', '--all', '--accept-impact=chat-1'], { operations })
    assert.equal(exit, 0)
  })
})

describe('a rotation that is waited for', () => {
  /** Ends after the third look. */
  class SlowOperations extends FakeOperations {
    looks = 0
    #end: (rotation: RotationView) => void = () => {}
    readonly #ended = new Promise<RotationView>((resolve) => {
      this.#end = resolve
    })

    override wait() {
      return this.#ended
    }

    override async rotation() {
      const { result: _, ended: __, ...going } = rotationOf('vapid')
      this.looks++
      if (this.looks === 2) throw new OperatorError('the daemon is busy', { kind: 'busy' })
      if (this.looks === 3) this.#end(rotationOf('vapid'))
      return { ...going, steps: going.steps.slice(0, 1) }
    }
  }

  it('is shown step by step, each once, whatever one look answers', async () => {
    const operations = new SlowOperations()
    const environment = { NO_COLOR: '1' }
    const { terminal, exit } = await run(['rotate', 'vapid'], {
      operations,
      terminal: true,
      environment,
    })
    assert.equal(exit, 0)
    assert.equal(terminal.stderr, '  done generate (1s)\n  done resume chat-server (2s)\n')
  })

  it('in this process takes a first Ctrl-C for a question, and is let go after the second', async () => {
    let press: (() => void) | undefined
    class Interrupted extends FakeOperations {
      override async wait(id: string) {
        press = terminal.listeners.get('SIGINT')
        press?.()
        assert.equal(terminal.exited, undefined)
        return super.wait(id)
      }
    }
    const terminal = new FakeTerminal()
    const offline = { operations: new Interrupted(), daemon: false, close: async () => {} }
    const parts = fakeParts(offline.operations, { connect: async () => offline })
    assert.equal(await runCli(['rotate', 'vapid'], terminal, parts), 0)
    assert.match(terminal.stderr, /Ctrl-C again/)
    press?.()
    assert.equal(terminal.exited, 130)
    assert.equal(terminal.listeners.size, 0)
  })

  it('in this process is waited for in any case', async () => {
    const operations = new FakeOperations()
    const connect = async () => ({ operations, daemon: false, close: async () => {} })
    const { terminal } = await run(['rotate', 'vapid', '--no-wait'], { parts: { connect } })
    assert.match(terminal.stdout, /^vapid 3 → 4/)
  })
})

describe('the end of a command', () => {
  it('closes the store, also after an error', async () => {
    let closed = 0
    const operations = new FakeOperations()
    const connect = async () => ({ operations, daemon: false, close: async () => void closed++ })
    await run(['status'], { parts: { connect } })
    await run(['status', 'nobody'], { parts: { connect } })
    assert.equal(closed, 2)
  })

  it('has the exit code of the kind of error', async () => {
    const codes = { failed: 1, usage: 2, config: 3, locked: 4, refused: 5, busy: 8 } as const
    for (const [kind, code] of Object.entries(codes)) {
      const connect = () =>
        Promise.reject(new OperatorError('no', { kind: kind as keyof typeof codes }))
      assert.equal((await run(['status'], { parts: { connect } })).exit, code)
    }
  })

  it('tells a defect in two lines, and the stack only when asked to', async () => {
    const connect = () => Promise.reject(new TypeError('x is not a function'))
    const quiet = await run(['status'], { parts: { connect } })
    assert.equal(quiet.exit, 1)
    assert.match(
      quiet.terminal.stderr,
      /^error: internal error: TypeError: x is not a function\nhint: .+\n$/,
    )
    const environment = { REKEYD_DEBUG: '1' }
    const loud = await run(['status'], { parts: { connect }, environment })
    assert.match(loud.terminal.stderr, /\n\s+at /)
  })
})

describe('rekeyd run', () => {
  it('runs on the config, and reads the same one again', async () => {
    const read: (string | undefined)[] = []
    const { exit } = await run(['run', '--config', 'rekeyd.yaml'], {
      parts: {
        async loadConfig(where) {
          read.push(where.config)
          return config
        },
        async runDaemon({ reload }) {
          await reload()
        },
      },
    })
    assert.equal(exit, 0)
    assert.deepEqual(read, ['rekeyd.yaml', 'rekeyd.yaml'])
  })

  it('stops with SIGTERM', async () => {
    const terminal = new FakeTerminal()
    const parts = fakeParts(new FakeOperations(), {
      loadConfig: async () => config,
      async runDaemon({ signal }) {
        terminal.listeners.get('SIGTERM')?.()
        assert.ok(signal.aborted)
      },
    })
    assert.equal(await runCli(['run'], terminal, parts), 0)
  })

  const demo = { configPath: config.path, site: 'https://127.0.0.1:9443' }

  it('with --quickstart prepares ./var, makes its store, and says where everything is', async () => {
    const done: string[] = []
    const { exit, terminal } = await run(['run', '--quickstart'], {
      parts: {
        async prepareQuickstart(folder) {
          done.push(folder)
          return { ...demo, close: () => void done.push('demo ended') }
        },
        loadConfig: async ({ config: path }) => ({ ...config, path: path ?? '' }),
        createStore: async () => void done.push('store'),
        runDaemon: async () => void done.push('daemon'),
      },
    })
    assert.equal(exit, 0)
    assert.deepEqual(done, ['/home/eve/var', 'store', 'daemon', 'demo ended'])
    for (const place of ['http://[::1]:9470/metrics', config.socket.path, demo.site]) {
      assert.ok(terminal.stdout.includes(place), place)
    }
  })

  it('with --quickstart resumes what is there, and ends the demo server whatever happens', async () => {
    let ended = false
    const { exit, terminal } = await run(['run', '--quickstart', '--json'], {
      parts: {
        prepareQuickstart: async () => ({ ...demo, close: () => void (ended = true) }),
        loadConfig: async () => config,
        createStore: () => Promise.reject(new OperatorError('there is one', { kind: 'refused' })),
        runDaemon: () => Promise.reject(new OperatorError('no', { kind: 'needs-attention' })),
      },
    })
    assert.equal(exit, 7)
    assert.ok(ended)
    assert.match(terminal.stdout, /^\{"schema_version":1,"state_dir":/)
  })
})

describe('rekeyd init', () => {
  it('makes the store of a config', async () => {
    const made: Config[] = []
    const { exit, terminal } = await run(['init', '--config', 'rekeyd.yaml', '--json'], {
      parts: {
        loadConfig: async () => config,
        createStore: async (config) => void made.push(config),
      },
    })
    assert.equal(exit, 0)
    assert.deepEqual(made, [config])
    assert.deepEqual(JSON.parse(terminal.stdout), {
      schema_version: 1,
      config: config.path,
      state_dir: config.stateDir,
    })
  })
})

describe('rekeyd csr --out', () => {
  it('writes a new file, and never over another', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rekeyd-cli-'))
    try {
      const first = await run(['csr', 'chat-tls', '--out', 'chat.csr'], { directory })
      assert.equal(first.exit, 0)
      const path = join(directory, 'chat.csr')
      assert.match(readFileSync(path, 'utf8'), /^-----BEGIN CERTIFICATE REQUEST-----/)
      assert.equal(statSync(path).mode & 0o002, 0)
      assert.equal((await run(['csr', 'chat-tls', '--out', 'chat.csr'], { directory })).exit, 1)
      const nowhere = await run(['csr', 'chat-tls', '--out', 'none/chat.csr'], { directory })
      assert.equal(nowhere.exit, 1)
      assert.ok(!existsSync(join(directory, 'none')))
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
