import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { offHeap } from '../formats/off-heap.ts'
import { fileError } from './file-error.ts'
import { hasCode, OperatorError } from './operator-error.ts'

/** Bytes. No certificate, key or config file of the systems we know comes near it. */
const largest = 1024 * 1024

/**
 * Reads a file of somebody else's that a kind works from. Symbolic links are followed: certbot's `live`
 * folder holds nothing else. The caller wipes what is secret.
 * @throws OperatorError naming the path
 */
export async function readInputFile(path: string): Promise<Buffer> {
  return read(path).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
}

/** As {@link readInputFile}; undefined if there is no such file. */
export async function readOptionalFile(path: string): Promise<Buffer | undefined> {
  return read(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw fileError(error, 'read', path)
  })
}

async function read(path: string): Promise<Buffer> {
  // Without O_NONBLOCK a FIFO would hold us until somebody writes to it.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (!stats.isFile()) throw new OperatorError(`${path} is not a regular file`)
  if (stats.size > largest) {
    throw new OperatorError(`${path} is too large`, { hint: `at most ${largest} bytes are read` })
  }
  const bytes = offHeap(stats.size)
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
  return bytes.subarray(0, bytesRead)
}
