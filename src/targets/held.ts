import { SecretBytes } from '../model/secret-bytes.ts'
import type { FileContent } from '../support/folder.ts'

/** A file as it was when a rotation found it. */
export interface HeldFile {
  readonly content: Buffer
  readonly uid: number
  readonly gid: number
  readonly mode: number
}

const newline = 0x0a
const permissionBits = 0o777

/**
 * What stage records for the journal: one line of JSON with owner and mode, then the bytes.
 * A file that was absent is `{}` alone.
 */
export function encodeHeld(found: FileContent | undefined): SecretBytes {
  if (!found) return SecretBytes.take(Buffer.from('{}\n'))
  const { uid, gid, mode } = found.stats
  const header = { uid: Number(uid), gid: Number(gid), mode: Number(mode) & permissionBits }
  return SecretBytes.take(
    Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), found.content]),
  )
}

/** The reverse. `content` is part of `held`, not a copy; undefined for a file that was absent. */
export function decodeHeld(held: SecretBytes): HeldFile | undefined {
  const end = held.bytes.indexOf(newline)
  const header = JSON.parse(held.bytes.toString('latin1', 0, end)) as Partial<HeldFile>
  const { uid, gid, mode } = header
  if (uid === undefined || gid === undefined || mode === undefined) return undefined
  return { uid, gid, mode, content: held.bytes.subarray(end + 1) }
}
