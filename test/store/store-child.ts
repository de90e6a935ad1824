// A process of its own for the tests that kill one, race many or trace one: MODE FOLDER.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { tryLock } from '../../src/store/lock.ts'
import { openStore } from '../../src/store/store.ts'
import { systemClock } from '../../src/support/clock.ts'
import { alice, newVersion } from './scratch-store.ts'

const [mode, folder = ''] = process.argv.slice(2)
const stateDir = join(folder, 'state')
const say = (text: string) => writeSync(1, `${text}\n`)
const open = () =>
  openStore({
    stateDir,
    storeKey: { file: join(folder, 'store.key') },
    clock: systemClock,
    machineId: 'here',
  })

/** Takes the lock or says who has it, and stays until killed. */
async function lock(): Promise<void> {
  const attempt = await tryLock(stateDir, systemClock.now())
  say(attempt.held ? 'held' : `refused ${attempt.holder?.pid}`)
  process.stdin.resume()
}

/** Commits until killed, saying each number once it is acknowledged. */
async function commit(): Promise<void> {
  const { keys } = await open()
  for (;;) say(String(keys.put(newVersion('vapid', 'x'.repeat(3_000)), 'prepared', alice).number))
}

/** One rotation, saying what comes next. */
async function rotate(): Promise<void> {
  const store = await open()
  const { journal } = store
  const step = (name: string, work: () => unknown) => {
    say(`mark ${name}`)
    work()
  }
  // The first write into a log syncs in any case, so the second one tells.
  for (const name of ['first put', 'put']) {
    step(name, () => store.keys.put(newVersion('token'), 'prepared', alice))
  }
  // The first round makes the log long and warm.
  for (const round of ['warm', '']) {
    let id = ''
    let stage = 0
    step(`${round} begin`, () => {
      const members = [{ material: 'vapid', make: newVersion('vapid') }]
      id = journal.begin({ trigger: 'manual', actor: alice, members, now: 1 }).rotation.id
    })
    step(`${round} started`, () => (stage = journal.started(id, 'stage', 'x', 'forward', 2)))
    step(`${round} ended`, () => journal.ended(id, stage, 'done', 3))
    const held = SecretBytes.fromText('held')
    step(`${round} hold`, () =>
      journal.hold(id, [{ material: 'vapid', target: 0, place: 'x', held }]),
    )
    step(`${round} turn`, () => journal.turn(id, 'back', 'no'))
    step(`${round} again`, () => journal.again(id))
    step(`${round} finish`, () =>
      journal.finish(id, { result: 'rolled_back', versions: [], schedules: [], now: 4 }),
    )
  }
  say('mark end')
  store.close()
}

const modes: Record<string, () => Promise<void>> = { lock, commit, rotate }
await modes[mode ?? '']?.()
