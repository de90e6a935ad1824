import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Config } from '../config/config.ts'
import { lockedBy, tryLock } from '../store/lock.ts'
import { createStoreKeyFile } from '../store/store-key.ts'
import { systemClock } from '../support/clock.ts'

/** Between two looks at a lock that somebody else holds. Milliseconds. */
const lockPause = 50

/** One that is there already, made by hand or by an interrupted start, is used as it is. */
export async function makeStoreKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  if (!existsSync(file)) createStoreKeyFile(file)
}

/** Runs what nobody else may disturb. @throws OperatorError `locked` when somebody has the store */
export async function locked<T>({ stateDir }: Config, work: () => Promise<T>): Promise<T> {
  await mkdir(stateDir, { recursive: true, mode: 0o700 })
  const lock = await tryLock(stateDir, systemClock.now())
  if (!lock.held) throw lockedBy(stateDir, lock.holder)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

/**
 * The lock of the store, however long somebody else has it.
 * @param tell is told once who has it
 * @returns undefined when `signal` ended the waiting
 */
export async function awaitLock(
  config: Config,
  signal: AbortSignal,
  tell: (holder: string) => void,
) {
  let told = false
  while (!signal.aborted) {
    const lock = await tryLock(config.stateDir, systemClock.now())
    if (lock.held) return lock
    if (!told) tell(`waiting: ${lockedBy(config.stateDir, lock.holder).message}`)
    told = true
    await systemClock.sleep(lockPause, signal).catch(() => {})
  }
  return undefined
}
