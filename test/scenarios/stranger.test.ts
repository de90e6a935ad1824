import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'

const root = join(import.meta.dirname, '../..')

/** What Debian's coreutils, a shell and Node's own package bring. Nothing else is on the stranger's PATH. */
const programs = (
  'node npm sh ' +
  'arch base64 basename cat chmod chown cp cut date dd df dirname du echo env expr false head id install ln ls ' +
  'mkdir mkfifo mktemp mv nproc printenv printf pwd readlink realpath rm rmdir seq sha256sum sleep sort stat sync ' +
  'tail tee test touch tr true truncate uname uniq wc whoami'
).split(' ')

/** The README's two commands, in a fresh copy, on a machine that has Node, npm and coreutils. */
describe('a stranger', () => {
  let folder: string
  let copy: string
  let environment: NodeJS.ProcessEnv
  let daemon: ChildProcess | undefined

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-stranger-'))
    copy = join(folder, 'rekeyd')
    for (const file of trackedFiles()) cpSync(join(root, file), join(copy, file))
    const path = join(folder, 'bin')
    mkdirSync(path)
    for (const program of programs) link(program, path)
    environment = {
      PATH: path,
      HOME: join(folder, 'home'),
      npm_config_cache: npm('config', 'get', 'cache'),
      npm_config_registry: npm('config', 'get', 'registry'),
    }
    mkdirSync(join(folder, 'home'))
  })

  after(async () => {
    if (daemon?.exitCode === null && daemon.signalCode === null) {
      // npm passes it on; killed outright, it would leave the daemon behind.
      daemon.kill('SIGTERM')
      await once(daemon, 'exit')
    }
    endDemo()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = (...args: string[]) =>
    execFileSync('npm', args, {
      cwd: copy,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const rekeyd = (...args: string[]) => run('run', '-s', 'rekeyd', '--', ...args)

  it('installs with npm ci', { timeout: 240_000 }, () => {
    run('ci', '--prefer-offline')
    assert.ok(existsSync(join(copy, 'node_modules/rekeyd-node')))
  })

  it('runs the checks and tests with npm test', { timeout: 240_000 }, () => {
    const output = execFileSync('npm', ['test'], {
      cwd: copy,
      env: { ...environment, REKEYD_TESTS: 'test/model/*.test.ts' },
      encoding: 'utf8',
    })
    assert.match(output, /^ℹ fail 0$/m)
    assert.doesNotMatch(output, /^ℹ pass 0$/m)
  })

  it('has a daemon that rotates for real with npm start', { timeout: 240_000 }, async () => {
    daemon = spawn('npm', ['start'], {
      cwd: copy,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await said(daemon, /rotation succeeded/)
    const { materials, daemon: online } = JSON.parse(rekeyd('status', '--json')) as Status
    assert.equal(online, true)
    assert.deepEqual(versionsOf(materials), { ...first, vapid: 1 })
    const { result, changes } = JSON.parse(rekeyd('rotate', 'vapid', '--json')) as RotationResult
    assert.equal(result, 'succeeded')
    assert.deepEqual(changes, [{ material: 'vapid', from: 1, to: 2 }])
    assert.match(rekeyd('plan'), /auth-token/)
  })

  it('makes a token for the status page of that daemon, without being told where its config is', async () => {
    const token = rekeyd('api-token', 'add', 'me', '--scope', 'admin', '--stdout').trim()
    const headers = { authorization: `Bearer ${token}` }
    const page = await fetch('http://127.0.0.1:9471/', { headers })
    assert.equal(page.status, 200)
    assert.match(await page.text(), /auth-token/)
  })

  it('stops the daemon, and everything it started, with a signal to npm', {
    timeout: 60_000,
  }, async () => {
    assert.ok(daemon)
    const pidFile = join(copy, 'var/chat/server.pid')
    assert.ok(existsSync(pidFile))
    daemon.kill('SIGTERM')
    const [code, signal] = (await once(daemon, 'exit')) as [number | null, string | null]
    assert.deepEqual([code, signal], [0, null])
    while (existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 50))
  })

  it('goes on where it was at the next start', { timeout: 120_000 }, async () => {
    daemon = spawn('npm', ['start'], {
      cwd: copy,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await said(daemon, /rekeyd runs/)
    const { materials } = JSON.parse(rekeyd('status', '--json')) as Status
    assert.deepEqual(versionsOf(materials), { ...first, vapid: 2 })
  })

  function endDemo(): void {
    try {
      process.kill(Number(readFileSync(join(copy, 'var/chat/server.pid'), 'utf8')), 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
})

const first = { 'auth-token': 1, 'db-key': 1, 'signing-key': 1, tls: 1 }

function versionsOf(materials: Status['materials']) {
  return Object.fromEntries(materials.map(({ name, active }) => [name, active.version]))
}

interface Status {
  readonly daemon: boolean
  readonly materials: readonly {
    readonly name: string
    readonly active: { readonly version: number }
  }[]
}

interface RotationResult {
  readonly result: string
  readonly changes: readonly unknown[]
}

/** What a clone would have: the files under version control, or all but what is made. */
function trackedFiles(): readonly string[] {
  try {
    const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z']
    const listed = execFileSync('git', list, { cwd: root, encoding: 'utf8' })
    return listed.split('\0').filter((file) => file !== '' && existsSync(join(root, file)))
  } catch {
    const made = /^(node_modules|dist|var)\//
    return globSync('**/*', { cwd: root, exclude: (name) => name === 'node_modules' })
      .concat(['.npmrc', '.gitignore', '.oxlintrc.json'])
      .filter((file) => !made.test(file) && !statSync(join(root, file)).isDirectory())
  }
}

function link(program: string, folder: string): void {
  const found = (process.env['PATH'] ?? '').split(delimiter).find((path) => {
    try {
      accessSync(join(path, program))
      // The project's own Node stands in npm's PATH while tests run: the stranger has the system's.
      return !path.includes('node_modules')
    } catch {
      return false
    }
  })
  if (found !== undefined) symlinkSync(join(found, program), join(folder, program))
}

function npm(...args: string[]): string {
  return execFileSync('npm', args, { cwd: dirname(root), encoding: 'utf8' }).trim()
}

/** Waits until the process has written what matches. */
function said(process: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const listen = (chunk: Buffer) => {
      output += chunk.toString()
      if (pattern.test(output)) resolve()
    }
    process.stdout?.on('data', listen)
    process.stderr?.on('data', listen)
    process.once('exit', () => reject(new Error(`ended without ${pattern}:\n${output}`)))
  })
}
