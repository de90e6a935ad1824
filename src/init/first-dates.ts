import type { MaterialDraft, Rotation } from './preset.ts'

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
    if ('onChange' in rotate) return { name, when: whenRenewed[rotate.present] }
    if ('expect' in rotate) return { name, when: 'when the server does it by itself' }
    return { name, when: 'only when you say that it leaked' }
  })
}

const whenRenewed = {
  same: 'when its issuer renews it',
  older: 'at once: its issuer has another one than the server',
  absent: 'is copied by the first run; then when its issuer renews it',
} as const

/** As the schedule does it: never before two thirds of its life, and up to a twentieth of the time earlier (jitter). */
function beforeEnd(
  { beforeExpiry, present }: Extract<Rotation, { readonly beforeExpiry: number }>,
  now: number,
): Omit<FirstTime, 'name'> {
  if (!present) return { when: `${beforeExpiry} days before it expires` }
  const { notBefore, notAfter } = present
  const due = notAfter - Math.min(beforeExpiry * day, (notAfter - notBefore) / 3)
  if (due <= now) return { when: `at once: it expires on ${dateOf(notAfter)}` }
  return { date: dateOf(due - (due - now) / 20) }
}

/** UTC. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
