import { OperatorError } from '../support/operator-error.ts'
import { type ChildContext, type Outcome, serve } from './child-process.ts'
import type { PageKey } from './database-key.ts'
import { refuseHotJournal } from './hot-journal.ts'
import { type Database, explained, type OpenOptions, openDatabase } from './open-database.ts'
import { openPage, readFirstPage } from './page-key.ts'
import type { RowTask } from './row.ts'
import { countRows, RowStatements } from './row-statements.ts'
import { prove, release, replace, seize, writeCopy } from './seized-database.ts'
import { removeStaged } from './side-files.ts'

await serve<RowTask>(async (task, context) => {
  const unlock = await unlockOf(task, context)
  if (task.action === 'read' || task.action === 'count') return read(task, unlock)
  refuseHotJournal(task.path)
  const db = await openDatabase(task.path, unlock ? { unlock } : {})
  if (unlock && db.pragma('journal_mode', { simple: true }) !== 'wal') {
    db.close()
    await changeCopy(task, unlock, context)
  } else {
    change(db, task, context)
  }
  return { detail: {} }
})

type Unlock = NonNullable<OpenOptions['unlock']>

async function unlockOf(
  { path, unlock }: RowTask,
  { secrets }: ChildContext,
): Promise<Unlock | undefined> {
  if (!unlock) return undefined
  const { cipher, form } = unlock
  const first = await readFirstPage(path, cipher)
  const bytes = secrets['key'] ?? Buffer.alloc(0)
  const key: PageKey | undefined | false =
    first.state === 'encrypted' && (await openPage(first.page, { form, bytes }, cipher))
  if (key) return { cipher, key }
  throw new OperatorError(`the key does not open ${path}`, { kind: 'needs-attention' })
}

async function read(task: RowTask, unlock: Unlock | undefined): Promise<Outcome> {
  const db = await openDatabase(task.path, { readonly: true, ...(unlock && { unlock }) })
  try {
    if (task.action === 'count') return { detail: { count: countRows(db, task) } }
    const value = new RowStatements(db, task).read()
    if (!value) return { detail: { found: false } }
    return { detail: { found: true, type: value.type }, bytes: value.bytes }
  } catch (error) {
    throw explained(error, task.path)
  } finally {
    db.close()
  }
}

/**
 * A rollback journal of ours beside an encrypted database would be unreadable to its consumer, should we be
 * killed before the end: so the row is changed in a copy, which then takes the database's place.
 */
async function changeCopy(task: RowTask, unlock: Unlock, context: ChildContext): Promise<void> {
  const seized = await seize(task.path, task.tag, unlock.cipher, unlock.key)
  try {
    writeCopy(seized)
    await prove(seized, unlock.key)
    change(await openDatabase(seized.copy, { unlock, shownAs: task.path }), task, context)
    replace(seized, context.stillWanted)
  } finally {
    release(seized)
    removeStaged(task.path)
  }
}

function change(db: Database, task: RowTask, { secrets, stillWanted }: ChildContext): void {
  try {
    const row = new RowStatements(db, task)
    stillWanted()
    if (task.action === 'delete') row.delete()
    else row.write(secrets['value'] ?? Buffer.alloc(0), task.as)
    // A secret that was replaced shall not stay in the log until the consumer gets round to it.
    db.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    throw explained(error, task.path)
  } finally {
    db.close()
  }
}
