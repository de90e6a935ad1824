import { basename, dirname, join } from 'node:path'
import { stagedName } from '../support/atomic-files.ts'
import { serve } from './child-process.ts'
import { factsOf } from './database-facts.ts'
import { openDatabase, rekeyFile } from './open-database.ts'
import type { RekeyTask } from './rekey.ts'
import { keysOf, refuseOld } from './rekey-keys.ts'
import { prove } from './seized-database.ts'
import { removeWithSideFiles } from './side-files.ts'
import { takeSnapshot } from './snapshot.ts'

/** What a consumer commits meanwhile is not in the copy: that is compared with itself. */
await serve<RekeyTask>(async (task, context) => {
  const { path, cipher, tag } = task
  const keys = await keysOf(task, context)
  const copy = `${join(dirname(path), stagedName(basename(path), tag))}.new`
  const unlock = { cipher, key: keys.present }
  try {
    await takeSnapshot(path, copy, cipher, keys.present)
    context.stillWanted()
    const before = await openDatabase(copy, { unlock, shownAs: path })
    const facts = factsOf(before)
    before.close()
    await rekeyFile(copy, unlock, keys.next)
    context.stillWanted()
    await prove({ copy, cipher, facts, path }, keys.next)
    await refuseOld({ copy, cipher, path }, keys)
  } finally {
    removeWithSideFiles(copy)
  }
  return { detail: {} }
})
