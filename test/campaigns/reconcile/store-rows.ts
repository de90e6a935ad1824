import { createDecipheriv, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Database } from 'better-sqlite3-multiple-ciphers'

// Its names are not seen by a static import.
const { default: Sqlite } = await import('better-sqlite3-multiple-ciphers')

/** A row of the table of versions, and what is sealed beside it. */
export interface VersionRow {
  readonly material: string
  readonly number: number
  readonly state: string
  readonly compromised: number
  readonly fingerprint: string
  /** Undefined once it is destroyed. */
  readonly secret: string | undefined
}

interface Keys {
  readonly store: string
  readonly database: Buffer
  readonly data: Buffer
}

/** The store as it lies there, read by its documented format and not by rekeyd. Nobody else may have it open. */
export function storeRows(stateDir: string, keyFile: string): readonly VersionRow[] {
  const keys = unwrapped(stateDir, keyFile)
  const sealKey = Buffer.from(hkdfSync('sha256', keys.data, keys.store, 'rekeyd seal', 32))
  const query = `SELECT v.material, v.number, state, compromised, fingerprint, sealed
    FROM versions v LEFT JOIN secrets s ON s.material = v.material AND s.number = v.number`
  return onDatabase(stateDir, keys, (db) =>
    (db.prepare(query).all() as (Omit<VersionRow, 'secret'> & { sealed: Buffer | null })[]).map(
      ({ sealed, ...row }) => ({
        ...row,
        secret:
          sealed === null
            ? undefined
            : onlyPart(opened(sealKey, sealed, ['version', row.material, String(row.number)])),
      }),
    ),
  )
}

/** Changes the store behind rekeyd's back. */
export function changeStore(stateDir: string, keyFile: string, statement: string): void {
  onDatabase(stateDir, unwrapped(stateDir, keyFile), (db) => db.exec(statement))
}

function onDatabase<T>(stateDir: string, keys: Keys, work: (db: Database) => T): T {
  const db = new Sqlite(`${stateDir}/store.db`, { fileMustExist: true })
  try {
    db.pragma(`cipher = 'sqlcipher'`)
    db.pragma('legacy = 4')
    db.key(Buffer.from(`x'${keys.database.toString('hex')}'`))
    return work(db)
  } finally {
    db.close()
  }
}

function unwrapped(stateDir: string, keyFile: string): Keys {
  const { store, wraps } = JSON.parse(readFileSync(`${stateDir}/store.keys`, 'utf8')) as {
    readonly store: string
    readonly wraps: readonly { readonly key_id: string; readonly wrapped: string }[]
  }
  const [wrap] = wraps
  if (!wrap) throw new Error('store.keys has no wrap')
  const place = ['wrap', `${store} ${wrap.key_id}`]
  const both = opened(readFileSync(keyFile), Buffer.from(wrap.wrapped, 'base64'), place)
  return { store, database: both.subarray(0, 32), data: both.subarray(32) }
}

/** AES-256-GCM: nonce ‖ ciphertext ‖ tag, bound to a place whose fields have their lengths before them. */
function opened(key: Buffer, sealed: Buffer, place: readonly string[]): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
  const fields = place.flatMap((text) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(Buffer.byteLength(text))
    return [length, Buffer.from(text)]
  })
  decipher.setAAD(Buffer.concat(fields))
  decipher.setAuthTag(sealed.subarray(-16))
  return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
}

/** Of a value with one part: length and name, length and bytes. */
function onlyPart(value: Buffer): string {
  const start = 1 + value.readUInt8(0)
  return value.toString('utf8', start + 4, start + 4 + value.readUInt32BE(start))
}
