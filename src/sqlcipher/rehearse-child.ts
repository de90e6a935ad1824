import { basename, dirname, join } from 'node:path'
import { stagedName } from '../support/atomic-files.ts'
import { serve } from './child-process.ts'
import { factsOf } from './database-facts.ts'
import { refuseHotJournal } from './hot-journal.ts'
import { openDatabase, rekeyFile } from './open-database.ts'
import type { RekeyTask } from './rekey.ts'
import { keysOf, refuseOld } from './rekey-keys.ts'
import { prove, writeCopy } from './seized-database.ts'
import { removeWithSideFiles } from './side-files.ts'

/** What a consumer commits meanwhile is not in the copy: it is compared with itself. */
await serve<RekeyTask>(async (task, context) => {
  const { path, cipher, tag } = task
  const keys = await keysOf(task, context)
  const copy = `${join(dirname(path), stagedName(basename(path), tag))}.new`
  const unlock = { cipher, key: keys.present }
  refuseHotJournal(path)
  const live = await openDatabase(path, { unlock, readonly: true })
  try {
    writeCopy({ lock: live, copy, path })
    live.close()
    context.stillWanted()
    const before = await openDatabase(copy, { unlock, shownAs: path })
    const facts = factsOf(before)
    before.close()
    await rekeyFile(copy, unlock, keys.next)
    context.stillWanted()
    await prove({ copy, cipher, facts, path }, keys.next)
    await refuseOld({ copy, cipher, path }, keys)
  } finally {
    live.close()
    removeWithSideFiles(copy)
  }
  return { detail: {} }
})
