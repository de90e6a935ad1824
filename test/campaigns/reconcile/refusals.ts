import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Host } from './host.ts'
import type { Judge, Wanted } from './judge.ts'

/** Something that leaves rekeyd without the store that it had, and what it says to that. */
interface Refusal extends Required<Wanted> {
  readonly happen: (host: Host) => unknown
}

const database = ({ state }: Host) => join(state, 'store.db')
const keys = ({ state }: Host) => join(state, 'store.keys')

/** Without its log, as after a clean end: else a damaged file could still be read in part. */
function withoutLog(host: Host): void {
  for (const end of ['-wal', '-shm']) rmSync(database(host) + end, { force: true })
}

/** What is damaged by its words. */
const storeDamaged = { exit: 7, words: /store\.db is damaged, or does not belong/ }
const keysDamaged = { exit: 7, words: /store\.keys\S* (in \S+ )?is damaged/ }
const noStore = { exit: 4, words: /there is no store \S+store\.db/ }

/** Each cause with its own answer, as interface.md has the codes. */
export const refusals: Readonly<Record<string, Refusal>> = {
  'no state directory': {
    ...noStore,
    happen: (host) => renameSync(host.state, join(host.folder, 'away')),
  },
  'no store.db': { ...noStore, happen: (host) => rmSync(database(host)) },
  'no store.db nor store.keys': {
    ...noStore,
    happen(host) {
      rmSync(database(host))
      rmSync(keys(host))
    },
  },
  'an empty store.db': {
    exit: 7,
    words: /store\.db is empty: something cut it off/,
    happen: (host) => truncateSync(database(host)),
  },
  'a store.db that was cut off': {
    ...storeDamaged,
    happen(host) {
      withoutLog(host)
      const { size } = statSync(database(host))
      truncateSync(database(host), 1 + host.random.below(size - 1))
    },
  },
  'a store.db with another byte': {
    ...storeDamaged,
    happen(host) {
      withoutLog(host)
      const content = readFileSync(database(host))
      // Of the first page: others may be free ones, which nobody reads.
      const place = host.random.below(4096)
      content[place] = (content[place] ?? 0) ^ (1 + host.random.below(255))
      writeFileSync(database(host), content)
    },
  },
  'a store.db full of something else': {
    ...storeDamaged,
    happen(host) {
      withoutLog(host)
      writeFileSync(database(host), 'x'.repeat(1 + host.random.below(20_000)))
    },
  },
  'a folder in the place of store.db': {
    exit: 7,
    words: /store\.db is not a regular file/,
    happen(host) {
      rmSync(database(host))
      mkdirSync(database(host))
    },
  },
  'no store.keys': {
    exit: 7,
    words: /there is no \S+store\.keys/,
    happen: (host) => rmSync(keys(host)),
  },
  'an empty store.keys': { ...keysDamaged, happen: (host) => truncateSync(keys(host)) },
  'store.keys that were cut off': {
    ...keysDamaged,
    happen(host) {
      truncateSync(keys(host), 1 + host.random.below(statSync(keys(host)).size - 3))
    },
  },
  'store.keys with another wrapped key': {
    ...keysDamaged,
    happen(host) {
      const text = readFileSync(keys(host), 'utf8')
      const changed = text.replace(
        /("wrapped": ")(.)/,
        (_, before: string, first: string) => before + (first === 'A' ? 'B' : 'A'),
      )
      writeFileSync(keys(host), changed)
    },
  },
  'no store key': {
    exit: 3,
    words: /there is no store key/,
    happen: ({ storeKey }) => rmSync(storeKey),
  },
  'an empty store key': {
    exit: 3,
    words: /store\.key holds 0 bytes/,
    happen: ({ storeKey }) => truncateSync(storeKey),
  },
  'a store key that is too short': {
    exit: 3,
    words: /store\.key holds [1-9]\d? bytes/,
    happen: ({ storeKey, random }) => truncateSync(storeKey, 1 + random.below(31)),
  },
  'another store key': {
    exit: 3,
    words: /the store key [0-9a-f]{16} is not the one of the store/,
    happen({ storeKey, random }) {
      const bytes = Buffer.from(Array.from({ length: 32 }, () => random.below(256)))
      writeFileSync(storeKey, random.below(2) === 0 ? bytes : `${bytes.toString('hex')}\n`)
    },
  },
  'a store key that others may read': {
    exit: 3,
    words: /the store key has mode \d+: others may read it/,
    happen: ({ storeKey, random }) => chmodSync(storeKey, 0o600 | random.pick([0o040, 0o004])),
  },
  'a state directory that others may write to': {
    exit: 3,
    words: /state_dir \S+ has mode 0777: others may write to it/,
    happen: ({ state }) => chmodSync(state, 0o777),
  },
  'a newer schema': {
    exit: 1,
    words: /store\.db was written by a newer rekeyd: schema 99/,
    happen: (host) => host.changeStore('PRAGMA user_version = 99'),
  },
  'the store of another machine': {
    exit: 7,
    words: /store\.db belongs to another machine/,
    happen: (host) => host.changeStore(`UPDATE store SET machine = 'another'`),
  },
}

/** Whatever is asked of it, rekeyd refuses in these words and no others, and makes and changes nothing. */
export async function playRefusal(judge: Judge, name: string): Promise<void> {
  const { host } = judge
  const refusal = refusals[name]
  if (!refusal) throw new RangeError(`there is no ${name}`)
  refusal.happen(host)
  const material = host.random.pick(host.names)
  const commands = [['status'], ['rotate', material], ['adopt', material], ['apply', material]]
  const argv = host.random.pick([['run'], host.random.pick(commands)])
  const { stderr } = await judge.refuses(refusal, ...argv)
  const all = new Map(Object.values(refusals).map(({ words }) => [String(words), words]))
  all.delete(String(refusal.words))
  for (const words of all.values()) {
    if (words.test(stderr)) judge.say(`it says ${words}, too: ${stderr.trim()}`)
  }
}
