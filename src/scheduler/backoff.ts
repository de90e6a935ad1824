import { fraction } from './jitter.ts'

const minute = 60_000
const day = 24 * 60 * minute

/**
 * How long to wait after a failure: a minute, doubled with each further one, ±20 %, but never more than an
 * eighth of what is left (cert-manager #7416: a first wait longer than the certificate lived) nor than a
 * day. It never says "stop". Milliseconds.
 * @param failures consecutive ones, from 1
 * @param horizon the remaining life, or the interval of what does not expire
 */
export function backoff(seed: string, failures: number, horizon: number): number {
  const most = longestWait(horizon)
  const doubled = Math.min(minute * 2 ** Math.min(failures - 1, 20), most / 1.2)
  const spread = 0.8 + 0.4 * fraction(`${seed} ${failures}`)
  return Math.max(minute, Math.floor(doubled * spread))
}

/** An eighth of `horizon`, at least a minute and at most a day. */
export function longestWait(horizon: number): number {
  return Math.min(day, Math.max(minute, horizon / 8))
}
