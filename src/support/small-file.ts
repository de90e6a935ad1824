import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { OperatorError } from './operator-error.ts'

/** Bytes. No certificate, key or state of rekeyd's own comes near it. */
const largest = 1024 * 1024

/**
 * Reads a small regular file at once, as far as it went when it was opened; links are followed.
 * @throws OperatorError for anything else, or a larger one; a system error as it is
 */
export function readSmallFile(path: string): Buffer {
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) {
      throw new OperatorError(`${path} is not a regular file`, {
        hint: 'put the file itself there',
      })
    }
    if (stats.size > largest) {
      throw new OperatorError(`${path} is too large`, { hint: `at most ${largest} bytes are read` })
    }
    const bytes = Buffer.alloc(stats.size)
    return bytes.subarray(0, readSync(file, bytes, 0, stats.size, 0))
  } finally {
    closeSync(file)
  }
}
