import { randomUUID } from 'node:crypto'
import type { DatabaseKey, KeyForm } from './database-key.ts'
import type { CipherVersion } from './page-format.ts'
import { type RekeyProgress, watchRekey } from './rekey-progress.ts'
import { runChild } from './run-child.ts'

/** A database to be re-encrypted while nobody has it open. */
export interface Rekey {
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly cipher: CipherVersion
  readonly previous: DatabaseKey
  readonly next: DatabaseKey
  /** The rotation's id, for the names of staged files. */
  readonly tag?: string
}

/** What the child is told; the keys come on descriptors 3 (`next`) and 4 (`previous`). */
export interface RekeyTask {
  readonly path: string
  readonly cipher: CipherVersion
  readonly forms: { readonly next: KeyForm; readonly previous: KeyForm }
  readonly tag: string
}

/**
 * Re-encrypts what the database holds now, in a new file that is proved before it takes the old one's
 * place. The old file stays beside it as `.NAME.rekeyd-TAG.old`. Killed at any moment, the database is
 * wholly under one of the two keys, and calling this again brings it to an end.
 * @param report told how far it is, about once a second; nothing of what is over before that
 * @throws HotJournal, with nothing changed, when the consumer was cut off in a transaction
 * @throws OperatorError when it is in use, or anything of the new file is not like the old one
 */
export async function rekeyDatabase(
  rekey: Rekey,
  signal: AbortSignal,
  report: (progress: RekeyProgress) => void = () => {},
): Promise<void> {
  const { task, secrets } = workOf(rekey)
  using watch = watchRekey(rekey.path, task.tag, report)
  await runChild({ entry: 'rekey-child', path: rekey.path, task, secrets }, signal)
  watch.finish()
}

/**
 * The same with a copy, beside the database and while its consumer runs: nothing of the database changes, and
 * the copy is gone at the end.
 * @throws OperatorError when the copy could not be made, or is not under its new key
 */
export async function rehearseRekey(rekey: Rekey, signal: AbortSignal): Promise<void> {
  const { task, secrets } = workOf(rekey)
  await runChild({ entry: 'rehearse-child', path: rekey.path, task, secrets }, signal)
}

function workOf({ path, cipher, previous, next, tag = randomUUID() }: Rekey) {
  const forms = { next: next.form, previous: previous.form }
  const task: RekeyTask = { path, cipher, forms, tag }
  return { task, secrets: { next: next.bytes, previous: previous.bytes } }
}
