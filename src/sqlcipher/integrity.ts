import { open } from 'node:fs/promises'
import type { PageKey } from './database-key.ts'
import { type CipherVersion, deriveMacKey, isSealed, pageFormats } from './page-format.ts'

/** Pages read at a time. */
const batch = 256

/** What a walk over all pages found. */
export interface Walk {
  readonly pages: number
  /** How many have a wrong MAC. */
  readonly damaged: number
  /** The first of them, counted from 1. */
  readonly firstDamaged?: number
}

/**
 * Checks the MAC of every page in the file, without SQLite and so without locks. All-zero pages are left
 * out: the lock page at 1 GiB and pages that were never written have no MAC.
 * @throws RangeError when the file does not end with a whole page
 */
export async function walkPages(
  path: string,
  { key, salt }: PageKey,
  cipher: CipherVersion,
  signal?: AbortSignal,
): Promise<Walk> {
  const format = pageFormats[cipher]
  const macKey = await deriveMacKey(key, salt, format)
  await using file = await open(path, 'r')
  const buffer = Buffer.alloc(batch * format.pageSize)
  let [pages, damaged] = [0, 0]
  let firstDamaged: number | undefined
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, buffer.length, pages * format.pageSize)
    if (bytesRead === 0) break
    if (bytesRead % format.pageSize !== 0) throw new RangeError('the file ends within a page')
    for (let start = 0; start < bytesRead; start += format.pageSize) {
      pages += 1
      const page = buffer.subarray(start, start + format.pageSize)
      if (isSealed(page, pages, macKey, format) || isZero(page)) continue
      damaged += 1
      firstDamaged ??= pages
    }
  }
  return { pages, damaged, ...(firstDamaged !== undefined && { firstDamaged }) }
}

function isZero(page: Buffer): boolean {
  return page.every((byte) => byte === 0)
}
