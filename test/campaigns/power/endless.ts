import { writeSync } from 'node:fs'
import { take } from '../crash/act.ts'
import { openRekeyd } from '../crash/open-rekeyd.ts'

// Rotates without end, and tells of each rotation that succeeded: endless.ts FOLDER MATERIAL.
const [folder = '', material = ''] = process.argv.slice(2)
const rekeyd = await openRekeyd(folder)
await rekeyd.recover()
writeSync(1, 'ready\n')
for (;;) {
  await take(rekeyd, ['rotate', material])
  const { active } = await rekeyd.operations.material(material)
  writeSync(1, `${active?.version}\n`)
}
