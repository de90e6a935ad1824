import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openRekeyd, type ScratchRekeyd } from '../scenarios/scratch-rekeyd.ts'
import { startStandIn } from '../scenarios/stand-ins/started-process.ts'
import { systemdEnvironment } from '../scenarios/stand-ins/systemd-environment.ts'
import { genuineOpens, openGenuine } from '../support/databases.ts'
import type { Campaign } from './campaign.ts'
import { SeededRandom } from './campaign.ts'
import { batchSize, bodyOf, damageOf } from './rekey-rows.ts'

const firstKey = 'the first key of the chat'
const modes = ['wal', 'delete', 'truncate'] as const
const endings = ['clean', 'killed', 'torn'] as const
/** Milliseconds within which the child does all of its work here. */
const childLife = 2_500

/**
 * Rotations of a database key whose re-encrypting child is killed at a random moment, around a consumer that writes
 * until it is stopped, and that may be killed then in the middle of a transaction. Afterwards exactly one
 * key opens the database, the one that the store names, and every acknowledged row is in it.
 */
export const campaign: Campaign = {
  name: 'rekey',
  slice: 3,
  nightly: 200,
  needs: [],
  async run({ cases, seed, report, note }) {
    const ended = new Map<string, number>()
    for (let index = 0; index < cases; index += 1) {
      const its = seed + index
      const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-rekey-'))
      try {
        const how = await oneCase(folder, its, (violation) => report(violation, its))
        ended.set(how, (ended.get(how) ?? 0) + 1)
      } finally {
        await endConsumer(folder)
        rmSync(folder, { recursive: true })
      }
    }
    note(
      [...ended]
        .map(([how, count]) => `${how} ${count}`)
        .toSorted()
        .join('; '),
    )
  },
}

/** @returns what happened, in a few words */
async function oneCase(folder: string, seed: number, say: (violation: string) => void) {
  const random = new SeededRandom(seed)
  // Modes and endings take turns, so that nine cases have seen all of them.
  const mode = modes[seed % 3] ?? 'wal'
  const ending = endings[Math.floor(seed / 3) % 3] ?? 'clean'
  const delay = random.next() < 0.8 ? random.below(childLife) : undefined
  const start = prepare(folder, mode, ending)
  await startStandIn(start, join(folder, 'consumer.pid'), join(folder, 'consumer.log'))
  let rekeyd = await openRekeyd(folder, configFor(folder, start))
  const complain = (what: string) => say(`${mode}, consumer ${ending}, kill at ${delay}: ${what}`)
  try {
    // The key of the first version is adopted, and there is nothing to change yet.
    await rekeyd.start()
    await pause(60)
    const killing = new AbortController()
    const killed = delay === undefined ? undefined : killChild(delay, killing.signal)
    const rotation = await rekeyd.rotate('db-key')
    killing.abort()
    const hit = (await killed) ?? false
    await rekeyd.close()
    rekeyd = await openRekeyd(folder, configFor(folder, start))
    await judge(folder, rekeyd, complain)
    if (rotation.result === 'needs_attention') complain(`it needs attention: ${rotation.detail}`)
    return `${mode}/${ending}${hit ? '/child killed' : ''}: ${rotation.result}`
  } finally {
    await rekeyd.close()
  }
}

async function judge(folder: string, rekeyd: ScratchRekeyd, say: (violation: string) => void) {
  const acked = () => readFileSync(join(folder, 'acked'), 'utf8')
  const before = acked().length
  for (let look = 0; look < 100 && acked().length === before; look += 1) await pause(20)
  if (acked().length === before) say('the consumer writes no longer')
  await endConsumer(folder)
  if (existsSync(join(folder, 'damage'))) {
    say(`the consumer found: ${readFileSync(join(folder, 'damage'), 'utf8').trim()}`)
  }
  const { active, versions, targets } = await rekeyd.operations.material('db-key')
  for (const { type, live } of targets) {
    if (live !== `version ${active?.version}`) say(`${type} holds ${live}, not the active version`)
  }
  const keys = new Map<number, string>()
  for (const { version } of versions) {
    const out = join(folder, `revealed-${version}`)
    const caller = { who: 'cli:campaign' }
    await rekeyd.operations.reveal('db-key', version, undefined, undefined, out, caller)
    keys.set(version, readFileSync(out, 'utf8'))
  }
  // Of the files as they lie there, so that judging changes nothing: of the copy genuine SQLCipher may recover.
  const copy = join(folder, 'judged.db')
  const opening = [...keys].filter(([, key]) => {
    for (const suffix of ['', '-wal', '-journal']) {
      rmSync(copy + suffix, { force: true })
      const path = join(folder, 'data/chat.db') + suffix
      if (existsSync(path)) copyFileSync(path, copy + suffix)
    }
    return genuineOpens(copy, { key: keyOf(key) })
  })
  if (opening.length !== 1) say(`${opening.length} of ${keys.size} keys open the database`)
  const [[version, key] = []] = opening
  if (version !== active?.version)
    say(`it opens with ${version}; the store names ${active?.version}`)
  if (key === undefined) return
  const known = systemdEnvironment(join(folder, 'etc/db.env'))['DB_KEY']
  if (known !== key) say('the consumer would read another key than the one that opens it')
  const db = openGenuine(copy, { key: keyOf(key) })
  const damage = damageOf(db, acked())
  db.close()
  if (damage !== undefined) say(damage)
}

/** Kills the process that re-encrypts, so many milliseconds after it has begun. @returns whether it still ran */
async function killChild(delay: number, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const child = children().find((pid) => commandOf(pid).includes('rekey-child'))
    if (child !== undefined) {
      await pause(delay)
      if (!commandOf(child).includes('rekey-child')) return false
      process.kill(child, 'SIGKILL')
      return true
    }
    await pause(2)
  }
  return false
}

function children(): readonly number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  return text.split(' ').filter(Boolean).map(Number)
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** The consumer's files, and some rows. @returns how to start it */
function prepare(folder: string, mode: string, ending: string): readonly string[] {
  for (const name of ['etc', 'data']) mkdirSync(join(folder, name), { mode: 0o700 })
  writeFileSync(join(folder, 'etc/db.env'), `DB_KEY="${firstKey}"\n`, { mode: 0o600 })
  const db = openGenuine(join(folder, 'data/chat.db'), { key: keyOf(firstKey) })
  db.exec('CREATE TABLE message (batch INTEGER, place INTEGER, body TEXT); BEGIN')
  const insert = db.prepare('INSERT INTO message VALUES (?, ?, ?)')
  const batches = 60
  for (let index = 0; index < batches * batchSize; index += 1) {
    const [batch, place] = [1 + Math.floor(index / batchSize), index % batchSize]
    insert.run([batch, place, bodyOf(batch, place)])
  }
  db.exec('COMMIT')
  db.close()
  const acked = Array.from({ length: batches }, (_, index) => `${index + 1}\n`)
  writeFileSync(join(folder, 'acked'), acked.join(''))
  const program = join(import.meta.dirname, 'rekey-consumer.ts')
  return [process.execPath, program, folder, mode, ending]
}

async function endConsumer(folder: string): Promise<void> {
  const file = join(folder, 'consumer.pid')
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  while (commandOf(pid).includes('rekey-consumer')) {
    process.kill(pid, 'SIGKILL')
    await pause(5)
  }
  rmSync(file)
}

function keyOf(text: string) {
  return { form: 'passphrase' as const, bytes: Buffer.from(text) }
}

function configFor(folder: string, start: readonly string[]): string {
  const path = (name: string) => join(folder, name)
  return `
consumers:
  chat:
    process: { pid_file: ${path('consumer.pid')}, log: ${path('consumer.log')}, start: ${JSON.stringify(start)} }
    timeouts: { stop: 10s, start: 10s, ready: 10s }
    dwell: 1s
materials:
  db-key:
    kind: database-key
    rotate: { every: 365d }
    keep: 400d
    targets:
      - sqlcipher: { path: ${path('data/chat.db')}, cipher: 4 }
      - env: { path: ${path('etc/db.env')}, key: DB_KEY, dialect: systemd }
    consumers: [chat]
    verify: [{ sqlcipher: {} }]
`
}
