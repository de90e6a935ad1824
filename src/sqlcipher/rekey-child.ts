import { serve } from './child-process.ts'
import { rekeyFile } from './open-database.ts'
import type { RekeyTask } from './rekey.ts'
import { keysOf, refuseOld } from './rekey-keys.ts'
import { prove, release, replace, seize, writeCopy } from './seized-database.ts'

await serve<RekeyTask>(async (task, context) => {
  const { path, cipher, tag } = task
  const keys = await keysOf(task, context)
  const seized = await seize(path, tag, cipher, keys.present)
  try {
    writeCopy(seized)
    context.stillWanted()
    await rekeyFile(seized.copy, { cipher, key: keys.present }, keys.next)
    context.stillWanted()
    await prove(seized, keys.next)
    await refuseOld(seized, keys)
    replace(seized, context.stillWanted)
  } finally {
    release(seized)
  }
  return { detail: {} }
})
