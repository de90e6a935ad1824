import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { OperatorError } from '../../src/support/operator-error.ts'
import { type CommandRequest, runCommand } from '../../src/support/run-command.ts'

const never = new AbortController().signal
const second = 1_000

/** Runs a POSIX shell script; `args` are its $1, $2, … */
function script(text: string, options: Partial<CommandRequest> = {}, ...args: string[]) {
  const argv = ['/bin/sh', '-c', text, 'script', ...args]
  return runCommand({ argv, signal: never, timeout: 20 * second, ...options })
}

/** A zombie that init has not yet fetched is dead enough. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

async function gone(pids: string): Promise<void> {
  for (const pid of (await readFile(pids, 'utf8')).trim().split(' ').map(Number)) {
    assert.ok(pid > 1)
    while (isRunning(pid)) await new Promise(setImmediate)
  }
}

describe('runCommand', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-command-'))
  })
  after(() => rm(folder, { recursive: true }))

  it('gives back how a program ended and what it wrote', async () => {
    const result = await script('echo out; echo err >&2; exit 3')
    assert.equal(result.exit, 3)
    assert.equal(result.signal, null)
    assert.equal(result.stdout.toString(), 'out\n')
    assert.equal(result.stderr.toString(), 'err\n')
    assert.equal(result.truncated, false)
    assert.equal(result.timedOut, false)
  })

  it('names the signal that ended a program', async () => {
    const result = await script('kill -KILL $$')
    assert.equal(result.exit, null)
    assert.equal(result.signal, 'SIGKILL')
  })

  it('gives a program no environment, no stdin, and only what is asked for', async () => {
    const bare = await runCommand({ argv: ['/usr/bin/env'], signal: never, timeout: 5 * second })
    assert.equal(bare.stdout.toString(), '')
    const told = await runCommand({
      argv: ['/usr/bin/env'],
      environment: { COLOUR: 'red' },
      signal: never,
      timeout: 5 * second,
    })
    assert.equal(told.stdout.toString(), 'COLOUR=red\n')
    const here = await script('cat; pwd', { directory: folder })
    assert.equal(here.stdout.toString(), `${folder}\n`)
  })

  it('hands secrets over on descriptors 3 and 4, to be read or opened by name', async () => {
    const secrets = [Buffer.from('new value'), Buffer.from('previous value')]
    const read = await script('cat <&3; echo; cat <&4', { secrets })
    assert.equal(read.stdout.toString(), 'new value\nprevious value')
    const opened = await script('cat /dev/fd/4 /dev/fd/3', { secrets })
    assert.equal(opened.stdout.toString(), 'previous valuenew value')
  })

  it('is not held up by a large secret that nobody reads', async () => {
    const result = await script('exit 0', { secrets: [Buffer.alloc(1024 * 1024, 1)] })
    assert.equal(result.exit, 0)
  })

  it('wipes the secret that a forked child still has open', async () => {
    const seen = join(folder, 'seen')
    const go = join(folder, 'go')
    await script(
      '(until [ -e "$2" ]; do sleep 0.02; done; cat <&3 >"$1.part"; mv "$1.part" "$1") >/dev/null 2>&1 &',
      { secrets: [Buffer.from('canary')] },
      seen,
      go,
    )
    await writeFile(go, '')
    while (!existsSync(seen)) await new Promise(setImmediate)
    assert.deepEqual(await readFile(seen), Buffer.alloc(6))
  })

  it('is not made to hold what a program makes of the descriptor of a secret', async () => {
    const secrets = [Buffer.from('canary')]
    const before = process.resourceUsage().maxRSS
    const result = await script('truncate -s 2G /dev/fd/3', { secrets })
    assert.equal(result.exit, 0)
    assert.ok(process.resourceUsage().maxRSS - before < 256 * 1024)
  })

  it('keeps reading past the cap, so that a chatty program can end', async () => {
    const result = await script('yes | head -c 3000000; exit 7', { maxOutput: 10 })
    assert.equal(result.exit, 7)
    assert.equal(result.stdout.toString(), 'y\ny\ny\ny\ny\n')
    assert.equal(result.truncated, true)
  })

  it('ends endless output at the timeout', async () => {
    const result = await script('yes', { timeout: 200 })
    assert.equal(result.timedOut, true)
    assert.equal(result.stdout.length, 64 * 1024)
    assert.equal(result.truncated, true)
  })

  it('kills a program that ignores SIGTERM, and everything in its group', async () => {
    const pids = join(folder, 'pids')
    const result = await script(
      "trap '' TERM; sleep 1000 & echo $$ $! >$1; while :; do wait; done",
      { timeout: 300 },
      pids,
    )
    assert.equal(result.timedOut, true)
    assert.equal(result.signal, 'SIGKILL')
    await gone(pids)
  })

  it('kills what ignores SIGTERM behind a leader that obeys it', async () => {
    const pids = join(folder, 'orphans')
    const result = await script(
      '(trap "" TERM; while :; do sleep 1000; done) & echo $$ $! >$1; wait',
      { timeout: 300 },
      pids,
    )
    assert.equal(result.timedOut, true)
    assert.equal(result.signal, 'SIGTERM')
    await gone(pids)
  })

  it('does not wait for a forked child that keeps the pipe open, and lets it live', async () => {
    const result = await script('sleep 1000 & echo $!')
    const pid = Number(result.stdout.toString())
    try {
      assert.equal(result.exit, 0)
      assert.equal(result.truncated, true)
      assert.ok(isRunning(pid))
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  })

  it('rejects with the reason of the signal, once the program is dead', async () => {
    const pids = join(folder, 'aborted')
    const controller = new AbortController()
    const running = script('echo $$ >$1; exec sleep 1000', { signal: controller.signal }, pids)
    while (!existsSync(pids) || (await readFile(pids)).length === 0) {
      await new Promise(setImmediate)
    }
    const reason = new Error('enough')
    controller.abort(reason)
    await assert.rejects(running, reason)
    await gone(pids)
    await assert.rejects(script('exit 0', { signal: controller.signal }), reason)
  })

  it('does not start anything by a relative name', async () => {
    const request = { argv: ['sh', '-c', 'exit 0'], signal: never, timeout: second }
    await assert.rejects(runCommand(request), { message: 'cannot run sh', kind: 'config' })
    await assert.rejects(runCommand({ ...request, argv: [] }), OperatorError)
  })

  it('keeps arguments out of the error when a program cannot be started', async () => {
    const plain = join(folder, 'plain')
    await writeFile(plain, 'not a program', { mode: 0o600 })
    for (const program of ['/no/such/program', plain, `${folder}/nul\0`]) {
      const request = { argv: [program, 'canary'], signal: never, timeout: second }
      await assert.rejects(runCommand(request), (error: unknown) => {
        assert.ok(error instanceof OperatorError)
        assert.ok(error.message.startsWith(`cannot run ${program}`))
        assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('canary'))
        return true
      })
    }
  })
})
