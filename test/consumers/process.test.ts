import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { processConsumer } from '../../src/consumers/process.ts'
import { describeConsumer, place } from '../contracts/consumer.ts'
import { needs } from '../support/parts.ts'

const never = new AbortController().signal
const create = (options: unknown) => processConsumer.create(processConsumer.schema.parse(options))
/** A program that writes its pid file and then runs. */
const server = (pidFile: string) => [
  '/bin/sh',
  '-c',
  'echo $$ >"$1"; exec sleep 1000',
  'sh',
  pidFile,
]

function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

async function killed(pidFile: string): Promise<void> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''))
  if (pid > 1 && isRunning(pid)) process.kill(pid, 'SIGKILL')
}

describeConsumer('process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-process-'))
  const pidFile = join(folder, 'pid')
  const consumer = create({ pid_file: pidFile, start: server(pidFile) })
  await consumer.start(never)
  return {
    consumer,
    isRunning: () => isRunning(Number(readFileSync(pidFile, 'utf8'))),
    async dispose() {
      await killed(pidFile)
      await rm(folder, { recursive: true })
    },
  }
})

describe('process consumer', () => {
  let folder: string
  let pidFile: string
  let child: ChildProcess | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rekeyd-process-'))
    pidFile = join(folder, 'pid')
  })
  afterEach(async () => {
    child?.kill('SIGKILL')
    child = undefined
    await killed(pidFile)
    await rm(folder, { recursive: true })
  })

  /** Runs a shell script that says `ready`, and writes its id to the pid file. */
  async function run(script: string): Promise<ChildProcess> {
    child = spawn('/bin/sh', ['-c', `${script}; echo ready; while :; do sleep 0.05; done`])
    assert.ok(child.stdout)
    await once(child.stdout, 'data')
    await writeFile(pidFile, `${child.pid}\n`)
    return child
  }

  it('sends its signal', async () => {
    const running = await run("trap 'exit 7' USR1")
    const consumer = create({ pid_file: pidFile, signal: 'SIGUSR1' })
    await consumer.check(never)
    await consumer.apply('signal', never)
    assert.deepEqual(await once(running, 'exit'), [7, null])
    await assert.rejects(consumer.apply('signal', never), /no process runs/)
    await assert.rejects(consumer.check(never), /no process runs/)
  })

  it('cannot stop without a program that starts it again', () => {
    const consumer = create({ pid_file: pidFile })
    assert.equal(consumer.canStop, false)
    assert.equal(consumer.picksUp('restart', place('file')), false)
    assert.equal(consumer.picksUp('signal', place('file')), true)
    assert.equal(consumer.picksUp('signal', place('environment')), false)
  })

  it('kills what ignores SIGTERM', async () => {
    const running = await run("trap '' TERM")
    await create({ pid_file: pidFile, start: ['/bin/true'], kill_after: '1s' }).stop(never)
    assert.equal(running.signalCode ?? (await once(running, 'exit'))[1], 'SIGKILL')
  })

  it('gives up waiting when the signal is aborted', async () => {
    const running = await run("trap '' TERM")
    const consumer = create({ pid_file: pidFile, start: ['/bin/true'] })
    await assert.rejects(consumer.stop(AbortSignal.timeout(200)))
    assert.ok(isRunning(running.pid!))
  })

  it('leaves alone a process of another name', async () => {
    const running = await run(':')
    const options = { pid_file: pidFile, start: server(pidFile) }
    await assert.rejects(create({ ...options, name: 'qpc-server' }).stop(never), {
      message: `${pidFile} names process ${running.pid}, but it is not qpc-server`,
      kind: 'refused',
    })
    assert.ok(isRunning(running.pid!))
    await create({ ...options, name: 'sh' }).check(never)
  })

  it(
    'leaves alone init, itself, and what the owner of the file may not signal',
    needs('root'),
    async () => {
      const consumer = create({ pid_file: pidFile, start: server(pidFile) })
      for (const pid of [1, process.pid]) {
        await writeFile(pidFile, String(pid))
        await assert.rejects(consumer.stop(never), { kind: 'refused' })
      }
      const running = await run(':')
      await chown(pidFile, 65_534, 65_534)
      await assert.rejects(consumer.stop(never), /belongs to somebody else/)
      assert.ok(isRunning(running.pid!))
    },
  )

  it('takes an absent file and a dead process for not running, and nothing else', async () => {
    const consumer = create({ pid_file: pidFile, start: server(pidFile) })
    await consumer.stop(never)
    await writeFile(pidFile, '2147483646\n')
    await consumer.stop(never)
    for (const text of ['', '0', '-1', '12x', '1 2', '9'.repeat(40)]) {
      await writeFile(pidFile, text)
      await assert.rejects(consumer.stop(never), /holds no process id/)
    }
  })

  it('says so when the program ends instead of running', async () => {
    const log = join(folder, 'log')
    const start = ['/bin/sh', '-c', 'echo why; exit 3']
    await assert.rejects(create({ pid_file: pidFile, start, log }).start(never), {
      message: '/bin/sh ended right after it was started (exit 3)',
      hint: `see its output in ${log}`,
    })
    assert.equal(await readFile(log, 'utf8'), 'why\n')
  })

  it('stops waiting for a program that writes no pid file', async () => {
    const consumer = create({ pid_file: pidFile, start: ['/bin/true'] })
    await assert.rejects(consumer.start(AbortSignal.timeout(200)))
  })
})
