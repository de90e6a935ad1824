import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { hasCode, OperatorError } from './operator-error.ts'

/** Bytes kept of each output stream; the rest is read and thrown away, so that nobody blocks on a full pipe. */
const defaultMaxOutput = 64 * 1024
/** Between SIGTERM and SIGKILL, in milliseconds. */
const grace = 2_000
/** How long output is waited for after the end, while a forked child keeps the pipe open, in milliseconds. */
const drain = 500
/** `setTimeout` fires at once beyond this. */
const longestTimeout = 2 ** 31 - 1

/** A program to run. There is no shell, no stdin and no environment beyond what is said here. */
export interface CommandRequest {
  /** The program by absolute path, then its arguments. Never secrets: every user can read them in /proc. */
  readonly argv: readonly string[]
  readonly signal: AbortSignal
  /** Milliseconds until the whole process group is killed. */
  readonly timeout: number
  /** Bytes kept of stdout and of stderr; 64 KiB by default. */
  readonly maxOutput?: number
  /** What the program reads from descriptors 3, 4, …; `/dev/fd/3` can be opened, too. */
  readonly secrets?: readonly Uint8Array[]
  /** The whole environment; empty by default. */
  readonly environment?: Readonly<Record<string, string>>
  readonly directory?: string
}

/** How a program ended. Output may hold secrets: it belongs into no error and no log. */
export interface CommandResult {
  /** Null when a signal ended it. */
  readonly exit: number | null
  readonly signal: string | null
  readonly stdout: Buffer
  readonly stderr: Buffer
  /** Whether there was more output than was kept. */
  readonly truncated: boolean
  readonly timedOut: boolean
}

/**
 * Runs a program to its end, whatever the end is. After `timeout`, or when `signal` aborts, its process
 * group gets SIGTERM, then SIGKILL. What it left in the background after a normal end is left alone:
 * a start script may do that.
 * @throws OperatorError naming the program (never arguments or output) when it cannot be started
 * @throws the signal's reason, once the group is killed, when aborted
 */
export async function runCommand(request: CommandRequest): Promise<CommandResult> {
  request.signal.throwIfAborted()
  const secrets: Secret[] = []
  try {
    for (const bytes of request.secrets ?? []) secrets.push(openSecret(bytes))
    const descriptors = secrets.map(({ descriptor }) => descriptor)
    const child = start(request, descriptors)
    const limit = request.maxOutput ?? defaultMaxOutput
    const outputs = [collect(child.stdout, limit), collect(child.stderr, limit)] as const
    const { exit, signal, timedOut } = await end(child, request)
    const drained = await closed(child)
    request.signal.throwIfAborted()
    const [stdout, stderr] = [outputs[0].take(), outputs[1].take()]
    const truncated = !drained || outputs.some((output) => output.truncated())
    return { exit, signal, stdout, stderr, truncated, timedOut }
  } finally {
    for (const secret of secrets) closeSecret(secret)
  }
}

/** @throws OperatorError in place of spawn's errors, which carry the arguments */
function start(request: CommandRequest, secrets: readonly number[]): ChildProcess {
  const [program = '', ...args] = request.argv
  if (!isAbsolute(program)) {
    throw new OperatorError(`cannot run ${program || 'an empty command'}`, {
      kind: 'config',
      hint: 'name the program by its absolute path',
    })
  }
  try {
    return spawn(program, args, {
      env: { ...request.environment },
      stdio: ['ignore', 'pipe', 'pipe', ...secrets],
      detached: true,
      shell: false,
      ...(request.directory === undefined ? {} : { cwd: request.directory }),
    })
  } catch {
    throw cannotRun(program)
  }
}

function cannotRun(program: string, why?: unknown): OperatorError {
  if (hasCode(why, 'EACCES', 'EPERM')) {
    return new OperatorError(`cannot run ${program}: not permitted`, {
      hint: 'make it executable for the user that rekeyd runs as',
    })
  }
  const missing = hasCode(why, 'ENOENT') ? ': the program or its folder does not exist' : ''
  return new OperatorError(`cannot run ${program}${missing}`, {
    hint: 'check the path and that it is a program',
  })
}

/** Waits for the child itself, killing its group when time or patience is over. */
function end(child: ChildProcess, { argv, signal, timeout }: CommandRequest) {
  return new Promise<Pick<CommandResult, 'exit' | 'signal' | 'timedOut'>>((resolve, reject) => {
    let timedOut = false
    let killing: NodeJS.Timeout | undefined
    const kill = () => {
      killGroup(child, 'SIGTERM')
      killing ??= setTimeout(() => killGroup(child, 'SIGKILL'), grace)
    }
    const timer = setTimeout(
      () => {
        timedOut = true
        kill()
      },
      Math.min(timeout, longestTimeout),
    )
    const settle = () => {
      clearTimeout(timer)
      clearTimeout(killing)
      signal.removeEventListener('abort', kill)
    }
    signal.addEventListener('abort', kill, { once: true })
    child.once('error', (error) => {
      settle()
      reject(cannotRun(argv[0] ?? '', error))
    })
    child.once('exit', (exit, by) => {
      settle()
      // The leader may go quietly while what it forked ignores SIGTERM.
      if (killing) killGroup(child, 'SIGKILL')
      resolve({ exit, signal: by, timedOut })
    })
  })
}

/** A group that is gone already is as good as killed. */
function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch (error) {
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
  }
}

/** Whether all output came; if not, somebody else keeps the pipe open and we let go of it. */
function closed(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const open = [child.stdout, child.stderr].filter((stream) => stream && !stream.closed)
    if (open.length === 0) return resolve(true)
    const timer = setTimeout(() => {
      for (const stream of open) stream?.destroy()
      resolve(false)
    }, drain)
    child.once('close', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

function collect(stream: NodeJS.ReadableStream | null, limit: number) {
  const kept: Buffer[] = []
  let size = 0
  let truncated = false
  stream?.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, limit - size)
    truncated ||= part.length < chunk.length
    size += part.length
    if (part.length > 0) kept.push(part)
  })
  // A reset pipe is an end like any other: the exit status says how it went.
  stream?.on('error', () => {})
  return {
    truncated: () => truncated,
    take: () => {
      const all = Buffer.concat(kept)
      for (const chunk of kept) chunk.fill(0)
      return all
    },
  }
}

interface Secret {
  readonly descriptor: number
  readonly length: number
}

/**
 * A file in memory without a name. Node's own pipes are sockets, which cannot be opened as `/dev/fd/3`;
 * and a file blocks nobody, whether the program reads it or not.
 */
function openSecret(bytes: Uint8Array): Secret {
  const path = `/dev/shm/rekeyd-${randomUUID()}`
  try {
    const descriptor = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    overwrite(descriptor, bytes)
    return { descriptor, length: bytes.length }
  } catch {
    throw new OperatorError('cannot hand a secret to a program: /dev/shm cannot be written', {
      hint: 'mount a tmpfs at /dev/shm',
    })
  }
}

/**
 * What the program left running keeps the descriptor, but not the secret. The program may have made the file larger
 * than memory is: that much is not overwritten, but cut off.
 */
function closeSecret({ descriptor, length }: Secret): void {
  try {
    ftruncateSync(descriptor, length)
    overwrite(descriptor, Buffer.alloc(length))
  } finally {
    closeSync(descriptor)
  }
}

/** By position, so that the descriptor's offset, which the program inherits, stays at the start. */
function overwrite(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, done)
  }
}
