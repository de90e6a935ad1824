// One of many that start at once: `race-child.ts STATE_DIR`. Says `ready`; at the line `try` it takes the lock or
// says `lost`; at `wait` it tries until it has it. Says when it got it, on the clock that all processes share.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { tryLock } from '../../src/store/lock.ts'

const [stateDir = ''] = process.argv.slice(2)
const say = (text: string) => process.stdout.write(`${text}\n`)

async function attempt(): Promise<boolean> {
  const { held } = await tryLock(stateDir, 1)
  if (held) say(`held ${process.hrtime.bigint()}`)
  return held
}

say('ready')
for await (const order of createInterface({ input: process.stdin })) {
  if (order === 'try' && !(await attempt())) say('lost')
  if (order === 'wait') while (!(await attempt())) await pause(2)
}
