import { remarkLevels } from '../model/remark.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'

type Where = Pick<DoctorFinding, 'material' | 'consumer' | 'place'>

/** All is well. */
export function ok(check: string, message: string, where: Where = {}): DoctorFinding {
  return { level: 'ok', check, message, ...where }
}

export function warning(
  check: string,
  message: string,
  hint: string,
  where: Where = {},
): DoctorFinding {
  return { level: 'warning', check, message, hint, ...where }
}

export function failure(
  check: string,
  message: string,
  hint: string,
  where: Where = {},
): DoctorFinding {
  return { level: 'failure', check, message, hint, ...where }
}

/** An error that a rotation would meet, too. */
export function failureOf(check: string, error: unknown, where: Where = {}): DoctorFinding {
  const hint = error instanceof OperatorError ? error.hint : undefined
  const message = messageOf(error)
  return { level: 'failure', check, message, ...(hint !== undefined && { hint }), ...where }
}

/** Runs one check: what it throws is what it found. */
export async function attempt(
  check: string,
  where: Where,
  run: () => Promise<string | DoctorFinding>,
): Promise<DoctorFinding> {
  try {
    const found = await run()
    return typeof found === 'string' ? ok(check, found, where) : found
  } catch (error) {
    return failureOf(check, error, where)
  }
}

/** The worst first; within a level rekeyd itself first, then by material. */
export function worstFirst(findings: readonly DoctorFinding[]): readonly DoctorFinding[] {
  const rank = ({ level }: DoctorFinding) => remarkLevels.indexOf(level)
  return findings.toSorted(
    (a, b) => rank(a) - rank(b) || (a.material ?? '').localeCompare(b.material ?? '', 'en'),
  )
}
