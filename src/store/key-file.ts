import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import { readIfPresent, replaceFile, stagedPath } from './replace-file.ts'
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
/** One store key in use, and the next one until it has been read back from its source. */
const mostWraps = 2

const wrapFormat = z.strictObject({
  key_id: z.string().regex(/^[0-9a-f]{16}$/),
  wrapped: z.base64(),
})
const fileFormat = z.strictObject({
  format: z.literal(1),
  store: z.string().regex(/^[0-9a-f]{32}$/),
  /** The same keys under each store key that opens them, the newest last. */
  wraps: z.array(wrapFormat).min(1).max(mostWraps),
  /** Somebody else may have the keys: the next opening makes new ones (renewal.ts). */
  renew: z.literal(true).exactOptional(),
  /** Those new ones, until the database has them. */
  next: wrapFormat.exactOptional(),
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
  replaceFile(keyFilePath(stateDir), await keyFileText(keys, wrapper))
}

/** The text of such a file. */
export async function keyFileText(keys: StoreKeys, wrapper: KeyWrapper): Promise<string> {
  return textOf({ format: 1, store: keys.store, wraps: [await wrapKeys(keys, wrapper)] })
}

/** The reverse of {@link keyFileText}. @throws OperatorError as {@link openKeyFile} does */
export async function openKeyText(text: string, wrapper: KeyWrapper): Promise<StoreKeys> {
  const file = parse(text, 'the store.keys of the backup')
  return unwrap('the backup', file, wrapOf('the backup', file, wrapper), wrapper)
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
  return unwrap(stateDir, file, wrapOf(stateDir, file, wrapper), wrapper)
}

/** Removes what a write that was interrupted left: wrapped, but of no use. */
export function tidyKeyFile(stateDir: string): void {
  rmSync(stagedPath(keyFilePath(stateDir)), { force: true })
}

/** Ids of the store keys that open the store, the newest last. */
export function wrapIds(stateDir: string): readonly string[] {
  return read(stateDir).wraps.map(({ key_id }) => key_id)
}

/**
 * Lets `next` open the store too, as its newest key; repeating it changes nothing.
 * @param present opens it now: its wrap stays, whatever else is there
 */
export async function wrapAlso(
  stateDir: string,
  present: KeyWrapper,
  next: KeyWrapper,
): Promise<void> {
  const file = read(stateDir)
  const keys = await unwrap(stateDir, file, wrapOf(stateDir, file, present), present)
  const others = file.wraps.filter(({ key_id }) => key_id !== next.keyId)
  const kept =
    others.length < mostWraps ? others : others.filter(({ key_id }) => key_id === present.keyId)
  try {
    write(stateDir, { ...file, wraps: [...kept, await wrapKeys(keys, next)] })
  } finally {
    wipeKeys(keys)
  }
}

/** Makes `wrapper` the only one that opens the store, once it is seen that it does. */
export async function wrapOnly(stateDir: string, wrapper: KeyWrapper): Promise<void> {
  const file = read(stateDir)
  const wrap = wrapOf(stateDir, file, wrapper)
  wipeKeys(await unwrap(stateDir, file, wrap, wrapper))
  if (file.wraps.length > 1) write(stateDir, { ...file, wraps: [wrap] })
}

/** Asks for new keys at the next opening. */
export function askRenewal(stateDir: string): void {
  const file = read(stateDir)
  if (!file.renew) write(stateDir, { ...file, renew: true })
}

export function isRenewalDue(stateDir: string): boolean {
  return read(stateDir).renew === true
}

/** The keys to come, made and wrapped at the first call: a renewal that was interrupted goes on with them. */
export async function nextKeys(stateDir: string, wrapper: KeyWrapper): Promise<StoreKeys> {
  const file = read(stateDir)
  if (file.next?.key_id === wrapper.keyId) return unwrap(stateDir, file, file.next, wrapper)
  const keys = { ...makeKeys(), store: file.store }
  write(stateDir, { ...file, next: await wrapKeys(keys, wrapper) })
  return keys
}

/** The database has the keys to come: they are the keys now. */
export function endRenewal(stateDir: string): void {
  const { renew: _, next, ...file } = read(stateDir)
  if (next) write(stateDir, { ...file, wraps: [next] })
}

function wrapOf(where: string, { wraps }: KeyFile, { keyId }: KeyWrapper) {
  const wrap = wraps.find(({ key_id }) => key_id === keyId)
  if (wrap) return wrap
  const known = wraps.map(({ key_id }) => key_id).join(' or ')
  throw new OperatorError(
    `the store key ${keyId} is not the one of the store in ${where}, which opens with ${known}`,
    { kind: 'config', hint: 'check store_key in the config: it names the key of another store' },
  )
}

async function unwrap(
  where: string,
  { store }: KeyFile,
  { key_id, wrapped }: KeyFile['wraps'][number],
  wrapper: KeyWrapper,
): Promise<StoreKeys> {
  const both = await wrapper.unwrap(Buffer.from(wrapped, 'base64'), wrapContext(store, key_id))
  if (both?.length !== 2 * keyBytes) throw damaged(`the store.keys in ${where}`)
  try {
    return {
      store,
      databaseKey: SecretBytes.copyOf(both.bytes.subarray(0, keyBytes)),
      dataKey: SecretBytes.copyOf(both.bytes.subarray(keyBytes)),
    }
  } finally {
    both.wipe()
  }
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
  replaceFile(keyFilePath(stateDir), textOf(file))
}

function textOf(file: KeyFile): string {
  return `${JSON.stringify(file, null, 2)}\n`
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
  return parse(text, keyFilePath(stateDir))
}

function parse(text: string, name: string): KeyFile {
  try {
    return fileFormat.parse(JSON.parse(text))
  } catch {
    throw damaged(name)
  }
}

function damaged(name: string): OperatorError {
  return new OperatorError(`${name} is damaged`, {
    kind: 'needs-attention',
    hint: 'bring it back from a backup: rekeyd restore',
  })
}
