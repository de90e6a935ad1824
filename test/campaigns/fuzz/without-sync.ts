import { type FileHandle, open } from 'node:fs/promises'

/**
 * Has `FileHandle.sync` return at once: thousands of cases would wait for the disk, and what a power cut leaves is the
 * campaign `power`'s question.
 * @returns what ends it
 */
export async function withoutSync(): Promise<() => void> {
  const handle = await open(import.meta.filename)
  const prototype = Object.getPrototypeOf(handle) as FileHandle
  await handle.close()
  const own = Object.getOwnPropertyDescriptor(prototype, 'sync') ?? {}
  Object.defineProperty(prototype, 'sync', { ...own, value: async () => {} })
  return () => void Object.defineProperty(prototype, 'sync', own)
}
