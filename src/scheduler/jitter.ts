import { hash } from 'node:crypto'

/**
 * How much earlier than planned a material is due, so that what was set up together does not stay together:
 * at most a twentieth of the interval, and always the same for the same material and date. Milliseconds.
 */
export function jitter(material: string, due: number, interval: number): number {
  return Math.floor(fraction(`${material} ${due}`) * (Math.max(0, interval) / 20))
}

/** An evenly spread number in [0, 1) that depends on `seed` alone. */
export function fraction(seed: string): number {
  return Number.parseInt(hash('sha256', seed).slice(0, 8), 16) / 2 ** 32
}
