import { writeSync } from 'node:fs'
import { type Act, take } from './act.ts'
import { openRekeyd } from './open-rekeyd.ts'

// One scenario in a process that is killed, or whose system calls fail: worker.ts FOLDER ACT.
const [folder = '', act = '[]'] = process.argv.slice(2)
const rekeyd = await openRekeyd(folder)
try {
  await rekeyd.recover()
  await take(rekeyd, JSON.parse(act) as Act)
  const { materials } = await rekeyd.operations.status()
  const active = Object.fromEntries(materials.map(({ name, active }) => [name, active?.version]))
  if (rekeyd.store.journal.unfinished().length > 0) throw new Error('it could not be ended')
  // Whatever happens from here on, this is what an operator was told.
  writeSync(1, JSON.stringify(active))
} finally {
  await rekeyd.close()
}
