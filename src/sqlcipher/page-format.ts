import { createDecipheriv, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** The major version of SQLCipher whose file format a database has. */
export type CipherVersion = 3 | 4

/** How pages are sealed (https://www.zetetic.net/sqlcipher/design/). Sizes in bytes. */
export interface PageFormat {
  readonly pageSize: number
  /** At the end of each page: IV, then MAC, then padding. */
  readonly reserve: number
  readonly macLength: number
  readonly digest: 'sha1' | 'sha512'
  /** PBKDF2 rounds from a passphrase to the page key. */
  readonly iterations: number
}

export const pageFormats: Readonly<Record<CipherVersion, PageFormat>> = {
  3: { pageSize: 1024, reserve: 48, macLength: 20, digest: 'sha1', iterations: 64_000 },
  4: { pageSize: 4096, reserve: 80, macLength: 64, digest: 'sha512', iterations: 256_000 },
}

/** Page 1 starts with the salt in place of SQLite's 16 bytes of magic. */
export const saltLength = 16
const ivLength = 16
const keyLength = 32
const macRounds = 2
const macSaltMask = 0x3a
const logVersion = 2

const derive = promisify(pbkdf2)

/** The key that encrypts pages, from a passphrase. Off the event loop; 30 to 150 ms. */
export function derivePageKey(
  passphrase: Uint8Array,
  salt: Uint8Array,
  { iterations, digest }: PageFormat,
): Promise<Buffer> {
  return derive(passphrase, salt, iterations, keyLength, digest)
}

/** The key that authenticates pages. */
export function deriveMacKey(
  pageKey: Uint8Array,
  salt: Uint8Array,
  { digest }: PageFormat,
): Promise<Buffer> {
  const masked = salt.map((byte) => byte ^ macSaltMask)
  return derive(pageKey, masked, macRounds, keyLength, digest)
}

/**
 * Whether the database uses a write-ahead log, by the header in its first page
 * (https://www.sqlite.org/fileformat2.html#the_database_header).
 */
export function usesLog(
  page: Buffer,
  pageKey: Uint8Array,
  { pageSize, reserve }: PageFormat,
): boolean {
  const end = pageSize - reserve
  const cipher = createDecipheriv('aes-256-cbc', pageKey, page.subarray(end, end + ivLength))
  // The header goes on behind the salt: page size, write version, read version.
  const header = cipher
    .setAutoPadding(false)
    .update(page.subarray(saltLength, saltLength + ivLength))
  return header[2] === logVersion
}

/** Whether the MAC of a whole page is right. Pages count from 1. */
export function isSealed(
  page: Buffer,
  number: number,
  macKey: Uint8Array,
  { pageSize, reserve, macLength, digest }: PageFormat,
): boolean {
  const start = number === 1 ? saltLength : 0
  const end = pageSize - reserve + ivLength
  const order = Buffer.alloc(4)
  order.writeUInt32LE(number)
  const mac = createHmac(digest, macKey).update(page.subarray(start, end)).update(order).digest()
  return timingSafeEqual(mac, page.subarray(end, end + macLength))
}
