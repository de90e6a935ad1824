import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { OperatorError } from '../support/operator-error.ts'
import { runCommand } from '../support/run-command.ts'
import type { Answer, ChildRequest, Outcome } from './child-process.ts'
import { HotJournal } from './hot-journal.ts'

/** A row's value; everything else that a child says is short. Bytes. */
const maxOutput = 4 * 1024 * 1024
/** A child that takes longer hangs: five minutes, and a second for each 2 MB of the database. */
const base = 300_000
const bytesPerMillisecond = 2_000

/** One piece of work on a consumer's database. */
export interface ChildWork<Task> {
  /** A file of this folder, without its ending. */
  readonly entry: 'rehearse-child' | 'rekey-child' | 'row-child'
  /** The database it is about. */
  readonly path: string
  /** Not secret: it is the child's argument. */
  readonly task: Task
  /** Handed over on descriptors 3, 4, … in this order. */
  readonly secrets: Readonly<Record<string, Uint8Array>>
}

/**
 * Has a child process of its own work on a database: in our own process, closing any descriptor of the same
 * file would drop SQLite's locks.
 * @throws HotJournal; OperatorError as the child says it
 */
export async function runChild<Task>(work: ChildWork<Task>, signal: AbortSignal): Promise<Outcome> {
  const { entry, path, task, secrets } = work
  const request: ChildRequest<Task> = { parent: process.pid, secrets: Object.keys(secrets), task }
  const program = join(import.meta.dirname, entry + extname(import.meta.filename))
  const { size } = await stat(path).catch(() => ({ size: 0 }))
  const result = await runCommand({
    argv: [process.execPath, '--disable-sigusr1', program, JSON.stringify(request)],
    secrets: Object.values(secrets),
    signal,
    timeout: base + size / bytesPerMillisecond,
    maxOutput,
  })
  const { answer, bytes } = read(result.stdout)
  if (!answer) {
    const how = result.timedOut ? 'took too long' : `ended by ${result.signal ?? result.exit}`
    throw new OperatorError(`the work on ${path} ${how}`, { hint: 'it can be tried again' })
  }
  if (answer.ok) return { detail: answer.detail, bytes }
  if (answer.hotJournal) throw new HotJournal(path)
  const { message, kind, hint } = answer
  throw new OperatorError(message, { ...(kind && { kind }), ...(hint !== undefined && { hint }) })
}

function read(output: Buffer): { readonly answer?: Answer; readonly bytes: Buffer } {
  const end = output.indexOf('\n')
  const bytes = output.subarray(end + 1)
  if (end < 0) return { bytes }
  return { answer: JSON.parse(output.toString('utf8', 0, end)) as Answer, bytes }
}
