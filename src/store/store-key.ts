import { createHash, createSecretKey } from 'node:crypto'
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeHex } from '../formats/hex.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import type { KeyWrapper } from './key-wrapper.ts'
import { replaceFile } from './replace-file.ts'
import { randomSecret, seal, unseal } from './seal.ts'

/** Where the store key comes from: `store_key` in the config. */
export const storeKeySource = z.union([
  z.strictObject({
    credential: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/)
      .describe('Name of a systemd credential (LoadCredentialEncrypted= in the unit).'),
  }),
  z.strictObject({
    file: z
      .string()
      .min(1)
      .describe('Path of a file of mode 0600 that holds 32 random bytes, raw or as 64 hex digits.'),
  }),
])
export type StoreKeySource = z.infer<typeof storeKeySource>

/** AES-256. */
export const storeKeyBytes = 32
const makeKey = 'head -c 32 /dev/urandom'

/**
 * Reads the store key. It stays in memory as an OpenSSL key object, which nothing prints.
 * @throws OperatorError (config) when it is absent, readable by others, or no key
 */
export function readStoreKey(source: StoreKeySource): KeyWrapper {
  const key = readStoreKeyBytes(source)
  try {
    return wrapperOf(key)
  } finally {
    key.wipe()
  }
}

/** The same as bytes: to adopt it as a version of a material. */
export function readStoreKeyBytes(source: StoreKeySource): SecretBytes {
  const path = 'file' in source ? source.file : credentialPath(source.credential)
  return readKey(path, 'file' in source)
}

/** @param key stays the caller's */
export function wrapperOf(key: SecretBytes): KeyWrapper {
  if (key.length !== storeKeyBytes) throw new RangeError(`a store key has ${storeKeyBytes} bytes`)
  const secretKey = createSecretKey(key.bytes)
  return {
    keyId: storeKeyId(key),
    wrap: async (plain, context) => seal(secretKey, plain, ['wrap', context]),
    unwrap: async (wrapped, context) => unseal(secretKey, wrapped, ['wrap', context]),
  }
}

/** 16 hex digits that name a store key without telling anything about it. */
export function storeKeyId({ bytes }: SecretBytes): string {
  return createHash('sha256').update('rekeyd store key').update(bytes).digest('hex').slice(0, 16)
}

/**
 * Makes a store key file: 32 random bytes, mode 0600, synced.
 * @throws OperatorError (refused) when something is there already
 */
export function createStoreKeyFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })) {
    throw new OperatorError(`${path} exists already; a store key is never overwritten`, {
      kind: 'refused',
      hint: 'use it, or choose another path',
    })
  }
  const key = randomSecret(storeKeyBytes)
  try {
    // Complete or not at all: half a key would keep every later start from making one.
    replaceFile(path, key.bytes)
  } finally {
    key.wipe()
  }
}

function credentialPath(name: string): string {
  const folder = process.env['CREDENTIALS_DIRECTORY']
  if (folder) return join(folder, name)
  throw new OperatorError(`store_key: there is no credential ${name}: not started by systemd`, {
    kind: 'config',
    hint: `start rekeyd by its unit with LoadCredentialEncrypted=${name}:…, or use store_key: { file: … }`,
  })
}

function readKey(path: string, ownFile: boolean): SecretBytes {
  // Longer than any valid key, and outside V8's heap, where no copy stays behind.
  const buffer = Buffer.alloc(128)
  const file = openKey(path)
  try {
    const status = fstatSync(file)
    if (!status.isFile()) throw unusable(`the store key ${path} is not a regular file`)
    // A credential of another user's unit is given by an ACL, which shows as the group's bits.
    checkMode(path, status.mode & 0o777, ownFile ? 0o077 : 0o007)
    const length = readSync(file, buffer, 0, buffer.length, 0)
    const key = decode(buffer.subarray(0, length))
    if (!key) {
      throw unusable(
        `the store key ${path} holds ${length === 128 ? 'too much' : `${length} bytes`}, not 32 random bytes or 64 hex digits`,
      )
    }
    return key
  } finally {
    buffer.fill(0)
    closeSync(file)
  }
}

function openKey(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw unusable(`there is no store key ${path}`)
    if (hasCode(error, 'EACCES'))
      throw unusable(`the store key ${path} cannot be read: no permission`)
    throw error
  }
}

function checkMode(path: string, mode: number, forbidden: number): void {
  if ((mode & forbidden) === 0) return
  throw new OperatorError(
    `the store key ${path} has mode ${mode.toString(8).padStart(4, '0')}: others may read it`,
    { kind: 'config', hint: `chmod 600 ${path}` },
  )
}

function unusable(message: string): OperatorError {
  return new OperatorError(message, {
    kind: 'config',
    hint: `check store_key in the config; a new key for a new store: (umask 077; ${makeKey} > FILE)`,
  })
}

/** 32 raw bytes, or 64 hex digits with or without a line end; all equal bytes are a placeholder, no key. */
function decode(found: Buffer): SecretBytes | undefined {
  const bytes = found.length === storeKeyBytes ? found : decodeHex(found)
  if (bytes?.length !== storeKeyBytes || bytes.every((byte) => byte === bytes[0])) return undefined
  return SecretBytes.take(bytes)
}
