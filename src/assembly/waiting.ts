import type { Config } from '../config/config.ts'
import { lockedBy, tryLock } from '../store/lock.ts'
import { systemClock } from '../support/clock.ts'

/** Between two looks at a lock that somebody else holds. Milliseconds. */
const lockPause = 50

/** Resolves when `signal` is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
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
