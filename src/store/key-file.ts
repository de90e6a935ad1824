import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import { readIfPresent, replaceFile } from './replace-file.ts'
import { randomSecret } from './seal.ts'

/** The store's own keys, unwrapped. Whoever holds them wipes them. */
export interface StoreKeys {
  /** The store these belong to. */
  readonly store: string
  /** Encrypts the database file. */
  readonly databaseKey: SecretBytes
  /** Everything inside is sealed, chained and fingerprinted under keys derived from it. */
  readonly dataKey: SecretBytes
}

const keyBytes = 32
/** One store key in use, and the next one until a start has opened by it. */
const mostWraps = 2

const fileFormat = z.strictObject({
  format: z.literal(1),
  store: z.string().regex(/^[0-9a-f]{32}$/),
  wraps: z
    .array(z.strictObject({ key_id: z.string().regex(/^[0-9a-f]{16}$/), wrapped: z.base64() }))
    .min(1)
    .max(mostWraps),
})
type KeyFile = z.infer<typeof fileFormat>

export function keyFilePath(stateDir: string): string {
  return join(stateDir, 'store.keys')
}

/** Random keys and a random id for a new store; nothing is written. */
export function makeKeys(): StoreKeys {
  return {
    store: randomBytes(16).toString('hex'),
    databaseKey: randomSecret(keyBytes),
    dataKey: randomSecret(keyBytes),
  }
}

/** A `store.keys` with one wrap. */
export async function createKeyFile(
  stateDir: string,
  keys: StoreKeys,
  wrapper: KeyWrapper,
): Promise<void> {
  write(stateDir, { format: 1, store: keys.store, wraps: [await wrapKeys(keys, wrapper)] })
}

export function wipeKeys(keys: StoreKeys): void {
  keys.databaseKey.wipe()
  keys.dataKey.wipe()
}

/**
 * The store's keys, unwrapped by `wrapper`.
 * @throws OperatorError: `config` for another store key, `needs-attention` for a damaged file
 */
export async function openKeyFile(stateDir: string, wrapper: KeyWrapper): Promise<StoreKeys> {
  const file = read(stateDir)
  const wrap = file.wraps.find(({ key_id }) => key_id === wrapper.keyId)
  if (!wrap) {
    const known = file.wraps.map(({ key_id }) => key_id).join(' or ')
    throw new OperatorError(
      `the store key ${wrapper.keyId} is not the one of the store in ${stateDir}, which opens with ${known}`,
      { kind: 'config', hint: 'check store_key in the config: it names the key of another store' },
    )
  }
  const wrapped = Buffer.from(wrap.wrapped, 'base64')
  const both = await wrapper.unwrap(wrapped, wrapContext(file.store, wrap.key_id))
  if (both?.length !== 2 * keyBytes) throw damaged(stateDir)
  try {
    return {
      store: file.store,
      databaseKey: SecretBytes.copyOf(both.bytes.subarray(0, keyBytes)),
      dataKey: SecretBytes.copyOf(both.bytes.subarray(keyBytes)),
    }
  } finally {
    both.wipe()
  }
}

/** Lets a second store key open the store. Already there: made anew. */
export async function addWrap(
  stateDir: string,
  keys: StoreKeys,
  wrapper: KeyWrapper,
): Promise<void> {
  const file = read(stateDir)
  const others = file.wraps.filter(({ key_id }) => key_id !== wrapper.keyId)
  if (others.length >= mostWraps) {
    throw new OperatorError(`two store keys open the store in ${stateDir} already`, {
      kind: 'refused',
      hint: 'finish the rotation of the store key that is under way',
    })
  }
  write(stateDir, { ...file, wraps: [...others, await wrapKeys(keys, wrapper)] })
}

/** Takes a store key's wrap away; the last one stays. Nothing to take away is success. */
export function dropWrap(stateDir: string, keyId: string): void {
  const file = read(stateDir)
  const wraps = file.wraps.filter(({ key_id }) => key_id !== keyId)
  if (wraps.length === file.wraps.length) return
  if (wraps.length === 0) throw new RangeError('the last wrap of a store is never dropped')
  write(stateDir, { ...file, wraps })
}

async function wrapKeys(keys: StoreKeys, wrapper: KeyWrapper): Promise<KeyFile['wraps'][number]> {
  const both = SecretBytes.copyOf(new Uint8Array(2 * keyBytes))
  both.bytes.set(keys.databaseKey.bytes)
  both.bytes.set(keys.dataKey.bytes, keyBytes)
  try {
    const wrapped = await wrapper.wrap(both, wrapContext(keys.store, wrapper.keyId))
    return { key_id: wrapper.keyId, wrapped: wrapped.toString('base64') }
  } finally {
    both.wipe()
  }
}

function wrapContext(store: string, keyId: string): string {
  return `${store} ${keyId}`
}

function write(stateDir: string, file: KeyFile): void {
  replaceFile(keyFilePath(stateDir), `${JSON.stringify(file, null, 2)}\n`)
}

function read(stateDir: string): KeyFile {
  const text = readIfPresent(keyFilePath(stateDir))
  if (text === undefined) {
    throw new OperatorError(
      `there is no ${keyFilePath(stateDir)}: without it the store never opens`,
      {
        kind: 'needs-attention',
        hint: 'bring it back from a backup: rekeyd restore',
      },
    )
  }
  try {
    return fileFormat.parse(JSON.parse(text))
  } catch {
    throw damaged(stateDir)
  }
}

function damaged(stateDir: string): OperatorError {
  return new OperatorError(`${keyFilePath(stateDir)} is damaged`, {
    kind: 'needs-attention',
    hint: 'bring it back from a backup: rekeyd restore',
  })
}
