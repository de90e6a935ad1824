import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { argvOption, checkProgram } from '../support/argv-option.ts'
import { systemClock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Consumer, ConsumerType, Verb } from './consumer.ts'
import { readsAgain, startsAnew } from './picks-up.ts'
import { accountOfProcess, type Running, runningIn, sendSignal } from './running-process.ts'
import { signalOption } from './signal-option.ts'

/** Between two looks at a process that is ending or starting, in milliseconds. */
const pause = 50

const processOptions = z.strictObject({
  pid_file: z.string().startsWith('/').describe('File that holds the process id.'),
  name: z
    .string()
    .min(1)
    .max(15)
    .optional()
    .describe('Name of the process as in /proc/PID/comm: another one is left alone.'),
  signal: signalOption.default('SIGHUP').describe('Signal that the verb `signal` sends.'),
  start: argvOption
    .optional()
    .describe('Program that runs it, left running; it writes the pid file itself.'),
  log: z
    .string()
    .startsWith('/')
    .default('/dev/null')
    .describe('File that the output of `start` is added to.'),
  kill_after: durationSchema
    .default(20_000)
    .describe('How long a process may take to stop before it is killed.'),
})
type ProcessOptions = z.infer<typeof processOptions>

/** A process without a manager, known by its pid file. It is stopped only if `start` can start it again. */
export const processConsumer: ConsumerType<ProcessOptions> = {
  schema: processOptions,
  create: (options) => new ProcessConsumer(options),
}

class ProcessConsumer implements Consumer {
  readonly canStop: boolean
  readonly #options: ProcessOptions

  constructor(options: ProcessOptions) {
    this.#options = options
    this.canStop = options.start !== undefined
  }

  async check(): Promise<void> {
    const running = await this.#running()
    if (running) sendSignal(running, 0)
    if (this.#options.start) return checkProgram(this.#options.start)
    if (!running) throw this.#notRunning()
  }

  async stop(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const running = await this.#running()
    if (!running) return
    sendSignal(running, 'SIGTERM')
    const killed = AbortSignal.timeout(this.#options.kill_after)
    while (await running.stillRuns()) {
      if (killed.aborted) sendSignal(running, 'SIGKILL')
      await systemClock.sleep(pause, signal)
    }
  }

  async start(signal: AbortSignal): Promise<void> {
    const { start, log, pid_file } = this.#options
    if (!start)
      throw new OperatorError(`${pid_file} has no program to start it`, { kind: 'config' })
    if (await this.#running()) return
    const output = await openLog(log)
    let ended: string | undefined
    try {
      const child = await launch(start, output)
      child.once('exit', (exit, by) => {
        if (exit !== 0) ended = by ?? `exit ${exit}`
      })
      // A daemon's parent ends with 0 at once; a program that fails ends otherwise, without a pid file.
      while (!(await this.#running().catch(halfWritten))) {
        if (ended !== undefined) {
          throw new OperatorError(`${start[0]} ended right after it was started (${ended})`, {
            hint: `see its output in ${log}`,
          })
        }
        await systemClock.sleep(pause, signal)
      }
    } finally {
      await output.close()
    }
  }

  async apply(verb: Verb, signal: AbortSignal): Promise<void> {
    if (verb === 'none') return
    if (startsAnew(verb)) {
      await this.stop(signal)
      return this.start(signal)
    }
    if (verb === 'reload') {
      throw new OperatorError('a process has no reload of its own', {
        kind: 'config',
        hint: 'use `apply: signal` and name the signal',
      })
    }
    const running = await this.#running()
    if (!running) throw this.#notRunning()
    sendSignal(running, this.#options.signal as NodeJS.Signals)
  }

  picksUp: Consumer['picksUp'] = (verb, place) => {
    if (startsAnew(verb)) return this.canStop
    return verb !== 'reload' && readsAgain(verb, place)
  }

  async account() {
    const running = await this.#running()
    return running && accountOfProcess(running)
  }

  #running(): Promise<Running | undefined> {
    return runningIn(this.#options.pid_file, this.#options.name)
  }

  #notRunning(): OperatorError {
    return new OperatorError(`no process runs that ${this.#options.pid_file} names`, {
      hint: 'start it, or correct `pid_file`',
    })
  }
}

/** The pid file of a program that is just starting may be empty, or the old one. */
function halfWritten(error: unknown): undefined {
  if (!(error instanceof OperatorError)) throw error
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a', 0o600)
  } catch (error) {
    throw new OperatorError(`cannot write the log ${path}`, { cause: error })
  }
}

/** Starts a program in a session of its own, which outlives rekeyd. */
async function launch([program = '', ...args]: readonly string[], output: FileHandle) {
  const child = spawn(program, args, {
    detached: true,
    env: {},
    stdio: ['ignore', output.fd, output.fd],
  })
  child.unref()
  try {
    await once(child, 'spawn')
  } catch {
    throw new OperatorError(`cannot run ${program}`)
  }
  return child
}
