import { uptime } from 'node:os'

/** The longest that any timer is armed ahead: `setTimeout` beyond 24.8 days fires at once in Node. */
const longestTimer = 30_000

/** Time as a port, so that tests run years in milliseconds. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number
  /** Milliseconds since boot, suspend included (CLOCK_BOOTTIME); never goes back. */
  sinceBoot(): number
  /** Resolves once `now() >= moment`, or rejects with the signal's reason. */
  sleepUntil(moment: number, signal?: AbortSignal): Promise<void>
  /** Resolves after `milliseconds` of real time, whatever the wall clock does meanwhile. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  sinceBoot: () => uptime() * 1000,
  async sleepUntil(moment, signal) {
    for (let left = moment - Date.now(); left > 0; left = moment - Date.now()) {
      await pause(Math.min(left, longestTimer), signal)
    }
  },
  async sleep(milliseconds, signal) {
    const end = performance.now() + milliseconds
    for (let left = milliseconds; left > 0; left = end - performance.now()) {
      await pause(Math.min(left, longestTimer), signal)
    }
  },
}

/** Waits `milliseconds` (at most 30 s) of real time. */
function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, milliseconds)
    signal?.addEventListener('abort', abort, { once: true })
  })
}
