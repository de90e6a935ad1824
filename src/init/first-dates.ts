import type { MaterialDraft } from './preset.ts'

const day = 86_400_000
/** Between now and the first date, and between one date and the next, in days. */
const apart = 7

/** When a material rotates the first time, as far as that is known. */
export interface FirstTime {
  readonly name: string
  /** `2027-01-08`, UTC; absent where no date is set. */
  readonly date?: string
  /** In words, where there is no date. */
  readonly when?: string
}

/**
 * The first date of each material, in the order given: a week apart, so that no night renews everything and
 * each result can be looked at before the next one.
 * @param now epoch milliseconds
 */
export function firstTimes(materials: readonly MaterialDraft[], now: number): readonly FirstTime[] {
  let weeks = 0
  return materials.map(({ name, rotate }) => {
    if ('every' in rotate) {
      weeks += 1
      return { name, date: dateOf(now + weeks * apart * day) }
    }
    if ('beforeExpiry' in rotate) return { name, ...beforeEnd(rotate, now) }
    if ('onChange' in rotate)
      return { name, when: rotate.newer ? atOnce : 'when its issuer renews it' }
    if ('expect' in rotate) return { name, when: 'when the server does it by itself' }
    return { name, when: 'only when you say that it leaked' }
  })
}

const atOnce = 'at once: its issuer has a newer one than the server'

function beforeEnd(
  {
    beforeExpiry,
    notAfter,
  }: { readonly beforeExpiry: number; readonly notAfter: number | undefined },
  now: number,
): Omit<FirstTime, 'name'> {
  if (notAfter === undefined) return { when: `${beforeExpiry} days before it expires` }
  const due = notAfter - beforeExpiry * day
  return due > now ? { date: dateOf(due) } : { when: `at once: it expires on ${dateOf(notAfter)}` }
}

/** UTC. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
