import assert from 'node:assert/strict'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Database as GenuineDatabase } from '@signalapp/sqlcipher'
import * as fc from 'fast-check'
import { openKeyFile } from '../../../src/store/key-file.ts'
import { openStore, type StoreOptions } from '../../../src/store/store.ts'
import { readStoreKey } from '../../../src/store/store-key.ts'
import { alice, newVersion, ScratchStore } from '../../store/scratch-store.ts'
import type { FuzzClass } from './fuzz-class.ts'
import { differences, treeOf } from './paths/tree.ts'
import type { Trial } from './trial.ts'

const files = ['store.db', 'store.db-wal', 'store.db-shm', 'store.keys'] as const
const pageSize = 4_096

/** One thing done to a state directory. Offsets are shares of a file's length. */
type Harm =
  | { readonly what: 'flip'; readonly file: string; readonly at: number; readonly bit: number }
  | { readonly what: 'cut'; readonly file: string; readonly at: number; readonly byPage: boolean }
  | { readonly what: 'garbage'; readonly file: string; readonly length: number }
  | { readonly what: 'remove' | 'empty' | 'older'; readonly file: string }
  | { readonly what: 'zeros' | 'swap' | 'append'; readonly at: number; readonly to: number }
  | { readonly what: 'wrong key' | 'newer schema' | 'old backup' | 'nothing' }

interface Input {
  /** Closed properly, or killed: then part of it is in the log only. */
  readonly killed: boolean
  readonly harm: Harm
}

const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
const anyFile = fc.constantFrom<string>(...files)
const inputs: fc.Arbitrary<Input> = fc.record({
  killed: fc.boolean(),
  harm: fc.oneof<fc.Arbitrary<Harm>[]>(
    {
      weight: 8,
      arbitrary: fc.record({ what: fc.constant('flip'), file: anyFile, at, bit: fc.nat(7) }),
    } as never,
    {
      weight: 4,
      arbitrary: fc.record({ what: fc.constant('cut'), file: anyFile, at, byPage: fc.boolean() }),
    } as never,
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constant('garbage'),
        file: anyFile,
        length: fc.constantFrom(1, 31, 512, 4_096, 40_000),
      }),
    } as never,
    {
      weight: 3,
      arbitrary: fc.record({ what: fc.constantFrom('remove', 'empty', 'older'), file: anyFile }),
    } as never,
    {
      weight: 3,
      arbitrary: fc.record({ what: fc.constantFrom('zeros', 'swap', 'append'), at, to: at }),
    } as never,
    {
      weight: 2,
      arbitrary: fc.record({
        what: fc.constantFrom('wrong key', 'newer schema', 'old backup', 'nothing'),
      }),
    } as never,
  ),
})

/** A store whose bytes are not what they were: it opens with exactly what was there, or is refused and left as it is. */
export const store: FuzzClass<Input, void> = {
  name: 'store',
  share: 10,
  inputs,
  async open(folder) {
    const original = await makeOriginal(join(folder, 'original'))
    return { attempt: (input, trial) => attempt(input, trial, original) }
  },
}

interface Original {
  readonly folder: string
  readonly options: StoreOptions
  /** The database key, hex. */
  readonly key: string
  /** All rows of every moment that a copy was made, as another SQLCipher reads them. */
  readonly rows: Readonly<Record<'older' | 'present', Rows>>
}
type Rows = Readonly<Record<string, readonly string[]>>

/** Three copies of one store: an older one, one that was killed, and one that was closed; and keys of others. */
async function makeOriginal(folder: string): Promise<Original> {
  mkdirSync(folder)
  const scratch = new ScratchStore(folder)
  const { stateDir, storeKey } = scratch.options
  const copy = (name: string) => {
    for (const end of ['', '.marker']) {
      cpSync(stateDir + end, join(folder, name + end), { recursive: true })
    }
  }
  let made = await scratch.create()
  const put = (material: string, secret: string) =>
    made.keys.put(newVersion(material, secret), 'active', alice)
  put('vapid', 'the first')
  for (let index = 0; index < 6; index += 1) {
    made.keys.put(newVersion('bulk', 'b'.repeat(3_000)), 'prepared', alice)
  }
  made.close()
  copy('older')
  made = await scratch.open()
  put('token', 'a token')
  made.keys.setRequest('tls', newVersion('tls', 'a request').parts, alice)
  // Copying opens the files, and closing them drops SQLite's locks: nobody else is there.
  copy('killed')
  made.close()
  copy('closed')
  const { databaseKey } = await openKeyFile(stateDir, readStoreKey(storeKey))
  const key = Buffer.from(databaseKey.bytes).toString('hex')
  const rows = {
    older: rowsOf(join(folder, 'older', 'store.db'), key),
    present: rowsOf(join(folder, 'closed', 'store.db'), key),
  }
  return { folder, options: scratch.options, key, rows }
}

async function attempt({ killed, harm }: Input, trial: Trial, original: Original): Promise<void> {
  const { folder, options } = original
  const stateDir = join(trial.folder, 'state')
  const origin = join(folder, killed ? 'killed' : 'closed')
  cpSync(origin, stateDir, { recursive: true })
  cpSync(`${origin}.marker`, `${stateDir}.marker`, { recursive: true })
  trial.keepSecret('database key', original.key)
  const storeKey = inflict(harm, trial.folder, stateDir, original)
  const before = treeOf(trial.folder)
  const { value: opened, refusal } = await trial.ask(() =>
    openStore({ ...options, stateDir, ...(storeKey && { storeKey }) }),
  )
  if (refusal) {
    assert.ok(refusal.hint, `without a hint: ${refusal.message}`)
    assert.match(refusal.message, /state|store/, 'names no place')
    refuseChanges(before, trial.folder)
    assert.notEqual(harm.what, 'nothing', refusal.message)
    return
  }
  const { restored } = opened
  try {
    assert.equal(opened.audit.verify().ok, true, 'the audit log is broken')
    for (const material of opened.keys.materials()) {
      for (const { number } of opened.keys.list(material)) opened.keys.secret(material, number)
    }
  } finally {
    opened.close()
  }
  const rows = rowsOf(join(stateDir, 'store.db'), original.key)
  const wasOld = ['older', 'old backup'].includes(harm.what)
  const { older, present } = original.rows
  const isWhole = holds(rows, present) && holds(present, rows)
  assert.ok(isWhole || restored, 'has lost something, and does not say so')
  assert.ok(holds(rows, older), 'has lost what an older copy had')
  assert.ok(holds(present, rows), 'has what never was')
  assert.ok(restored || !wasOld || isWhole, 'an older copy is taken for the present one')
  assert.ok(!restored || !isWhole, 'is taken for an older copy')
  const isHopeless = ['wrong key', 'newer schema'].includes(harm.what)
  assert.ok(!isHopeless, 'opened')
}

/** @returns another store key than usual */
function inflict(
  harm: Harm,
  room: string,
  stateDir: string,
  { folder, key }: Original,
): { readonly file: string } | undefined {
  const database = join(stateDir, 'store.db')
  const file = 'file' in harm ? join(stateDir, harm.file) : database
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
  switch (harm.what) {
    case 'flip': {
      const place = Math.floor(harm.at * bytes.length)
      if (bytes.length === 0) return undefined
      bytes[place] = (bytes[place] ?? 0) ^ (1 << harm.bit)
      writeFileSync(file, bytes)
      return undefined
    }
    case 'cut': {
      const place = Math.floor(harm.at * bytes.length)
      const end = harm.byPage ? place - (place % pageSize) : place
      if (bytes.length > 0) writeFileSync(file, bytes.subarray(0, end))
      return undefined
    }
    case 'garbage':
      writeFileSync(file, Buffer.alloc(harm.length, 'garbage'))
      return undefined
    case 'remove':
      rmSync(file, { force: true })
      return undefined
    case 'empty':
      writeFileSync(file, '')
      return undefined
    case 'older': {
      const source = join(folder, 'older', harm.file)
      if (existsSync(source)) copyFileSync(source, file)
      return undefined
    }
    case 'zeros':
    case 'swap':
    case 'append': {
      const pages = statSync(database).size / pageSize
      const page = (share: number) => Math.floor(share * pages) * pageSize
      const [one, two] = [page(harm.at), page(harm.to)]
      const other = Buffer.from(bytes.subarray(two, two + pageSize))
      if (harm.what === 'append') writeFileSync(file, Buffer.concat([bytes, other]))
      else {
        if (harm.what === 'swap') bytes.copy(bytes, two, one, one + pageSize)
        bytes.set(harm.what === 'swap' ? other : Buffer.alloc(pageSize), one)
        writeFileSync(file, bytes)
      }
      return undefined
    }
    case 'wrong key': {
      const other = join(room, 'other.key')
      writeFileSync(other, Buffer.from(key, 'hex').toReversed(), { mode: 0o600 })
      return { file: other }
    }
    case 'newer schema': {
      const db = openGenuine(database, key)
      db.exec('PRAGMA user_version = 9999')
      db.close()
      return undefined
    }
    case 'old backup':
      for (const name of files) rmSync(join(stateDir, name), { force: true })
      cpSync(join(folder, 'older'), stateDir, { recursive: true })
      return undefined
    case 'nothing':
      return undefined
  }
}

/** The shared-memory index is SQLite's own, made anew at each opening. */
function refuseChanges(before: ReturnType<typeof treeOf>, room: string): void {
  const rest = (tree: ReturnType<typeof treeOf>) =>
    new Map([...tree].filter(([path]) => !path.endsWith('-shm')))
  assert.deepEqual(differences(rest(before), rest(treeOf(room))), [], 'refused, and changed')
}

function openGenuine(path: string, key: string): GenuineDatabase {
  const db = new GenuineDatabase(path)
  db.pragma(`key = "x'${key}'"`)
  return db
}

/** Every row but what each opening writes. */
function rowsOf(path: string, key: string): Rows {
  const db = openGenuine(path, key)
  try {
    const names = db.prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('store', 'reserve', 'counters')`,
      { pluck: true },
    )
    return Object.fromEntries(
      names.all<string>().map((name) => {
        const rows = db.prepare(`SELECT * FROM "${name}"`).all()
        return [name, rows.map((row) => JSON.stringify(row))]
      }),
    )
  } finally {
    db.close()
  }
}

/** Whether every row is there. Of the audit log only what was there before: each opening adds to it. */
function holds(rows: Rows, wanted: Rows): boolean {
  return Object.entries(wanted).every(([table, all]) => {
    const there = new Set(rows[table])
    return all.every((row) => there.has(row) || (table === 'audit' && isOpening(row)))
  })
}

function isOpening(row: string): boolean {
  return /"store\.(open|restored)"/.test(row)
}
