import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type ErrorKind, messageOf, OperatorError } from '../support/operator-error.ts'
import { HotJournal } from './hot-journal.ts'

/** The first line that a child prints; {@link Outcome.bytes} follow it as they are. */
export type Answer =
  | { readonly ok: true; readonly detail: Detail }
  | {
      readonly ok: false
      readonly hotJournal: boolean
      readonly message: string
      readonly kind?: ErrorKind
      readonly hint?: string
    }

type Detail = Readonly<Record<string, string | number | boolean | undefined>>

/** What a child has to say. */
export interface Outcome {
  readonly detail: Detail
  readonly bytes?: Uint8Array
}

/** The child's only argument, as JSON. Nothing in it is secret. */
export interface ChildRequest<Task> {
  /** The process that waits for the answer. */
  readonly parent: number
  /** The names of what descriptors 3, 4, … hold. */
  readonly secrets: readonly string[]
  readonly task: Task
}

/** What a child's work gets beside its task. */
export interface ChildContext {
  readonly secrets: Readonly<Record<string, Buffer>>
  /**
   * Throws once the parent is gone: what started after it would not know of us, and take our switch
   * for somebody else's edit.
   */
  readonly stillWanted: () => void
}

/** What one kind of child is for. */
export type Work<Task> = (task: Task, context: ChildContext) => Promise<Outcome>

/** Between two looks whether the parent is still there, in milliseconds. */
const vigilance = 50

/** The whole of a child: does what its argument asks for and prints one answer. */
export async function serve<Task>(work: Work<Task>): Promise<void> {
  // SQLite makes new files by the umask.
  process.umask(0o077)
  const request = JSON.parse(process.argv[2] ?? '') as ChildRequest<Task>
  dieWith(request.parent)
  const secrets = Object.fromEntries(
    request.secrets.map((name, index) => [name, readFileSync(3 + index)] as const),
  )
  const stillWanted = () => {
    if (process.ppid !== request.parent) throw new OperatorError('rekeyd has ended meanwhile')
  }
  try {
    stillWanted()
    const { detail, bytes } = await work(request.task, { secrets, stillWanted })
    print({ ok: true, detail })
    if (bytes) process.stdout.write(bytes)
  } catch (error) {
    print({ ok: false, hotJournal: error instanceof HotJournal, ...describe(error) })
  } finally {
    for (const secret of Object.values(secrets)) secret.fill(0)
  }
}

/**
 * SQLite keeps the main thread busy for as long as a database is large; meanwhile a second thread sees
 * that the parent is gone. An orphan would go on to hold the lock that keeps the consumer from starting.
 */
function dieWith(parent: number): void {
  // A worker's `process` has no ppid; the fourth field of stat follows the name in parentheses.
  const watch = `setInterval(() => {
    const stat = require('node:fs').readFileSync('/proc/self/stat', 'utf8')
    const ppid = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    if (ppid !== '${parent}') process.kill(process.pid, 'SIGKILL')
  }, ${vigilance})`
  new Worker(watch, { eval: true }).unref()
}

function describe(error: unknown) {
  const message = messageOf(error)
  if (!(error instanceof OperatorError)) return { message }
  const { kind, hint } = error
  return { message, kind, ...(hint !== undefined && { hint }) }
}

function print(answer: Answer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
