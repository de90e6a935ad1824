import { decodeHex, encodeHex } from '../formats/hex.ts'
import { joinOffHeap } from '../formats/off-heap.ts'
import { OperatorError } from '../support/operator-error.ts'
import { derivePageKey, type PageFormat, saltLength } from './page-format.ts'

/** What a consumer hands to `PRAGMA key`: a passphrase, 32 raw bytes, or those and the 16 bytes of the salt. */
export const keyForms = ['passphrase', 'raw', 'raw+salt'] as const
export type KeyForm = (typeof keyForms)[number]

export interface DatabaseKey {
  readonly form: KeyForm
  /** The text of a passphrase; else the bytes, not their hex. */
  readonly bytes: Buffer
}

/** A key with the salt of one database: opens it in every engine without derivation. */
export interface PageKey {
  readonly key: Buffer
  readonly salt: Buffer
}

const rawLength = 32

/** As much of an edition as is needed here: this folder does not know the model. */
export interface KeyEdition {
  readonly version: { readonly attributes: Readonly<Record<string, string>> }
  bytes(part?: string, format?: string): Promise<{ readonly bytes: Buffer; wipe(): void }>
}

/**
 * The key of an edition of kind `database-key`, in a fresh buffer that the caller wipes.
 * @throws OperatorError when it has the wrong length
 */
export async function databaseKeyOf(edition: KeyEdition): Promise<DatabaseKey> {
  const form = keyForms.find((form) => form === edition.version.attributes['form']) ?? 'passphrase'
  const secret = await edition.bytes('key', form === 'passphrase' ? 'raw' : 'hex')
  const bytes =
    form === 'passphrase' ? joinOffHeap(secret.bytes) : (decodeHex(secret.bytes) ?? Buffer.alloc(0))
  secret.wipe()
  return checked({ form, bytes })
}

/**
 * What SQLCipher makes of a key for a database with this salt. A passphrase that is written as a raw key
 * (`x'<hex>'`) is one to every engine.
 */
export async function pageKeyOf(
  key: DatabaseKey,
  salt: Buffer,
  format: PageFormat,
): Promise<PageKey> {
  const raw = rawBytesOf(key)
  if (!raw) return { key: await derivePageKey(key.bytes, salt, format), salt }
  const own = ownSalt(raw)
  return { key: joinOffHeap(raw.subarray(0, rawLength)), salt: own ?? salt }
}

/** The salt that is part of the key; undefined where the database's own is used. */
export function saltOf(key: DatabaseKey): Buffer | undefined {
  const raw = rawBytesOf(key)
  return raw && ownSalt(raw)
}

/** `x'<96 hex digits>'`: key and salt as `sqlite3_key` takes them. The caller wipes it. */
export function keyLiteral({ key, salt }: PageKey): Buffer {
  const [keyText, saltText] = [encodeHex(key), encodeHex(salt)]
  const literal = joinOffHeap(Buffer.from("x'"), keyText, saltText, Buffer.from("'"))
  keyText.fill(0)
  return literal
}

function ownSalt(raw: Buffer): Buffer | undefined {
  return raw.length > rawLength ? raw.subarray(rawLength) : undefined
}

function rawBytesOf({ form, bytes }: DatabaseKey): Buffer | undefined {
  if (form !== 'passphrase') return bytes
  const written = bytes.length === 67 || bytes.length === 99
  const quoted = written && bytes.toString('latin1', 0, 2) === "x'" && bytes.at(-1) === 0x27
  return quoted ? decodeHex(bytes.subarray(2, -1)) : undefined
}

function checked(key: DatabaseKey): DatabaseKey {
  const { form, bytes } = key
  // An empty passphrase means "no encryption" to every engine.
  const sound =
    form === 'passphrase'
      ? bytes.length > 0
      : bytes.length === rawLength + (form === 'raw' ? 0 : saltLength)
  if (sound) return key
  throw new OperatorError(`a database key of the form ${form} has the wrong length`, {
    kind: 'refused',
    hint: 'raw is 32 bytes, raw+salt 48; a passphrase is never empty',
  })
}
