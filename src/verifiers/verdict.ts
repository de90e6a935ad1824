import { OperatorError } from '../support/operator-error.ts'
import type { Verdict } from './verifier.ts'

export const yes: Verdict = { yes: true }

export function no(reason: string): Verdict {
  return { yes: false, reason }
}

/** For readiness: a consumer that cannot be asked is not up yet. */
export async function isUp(ask: () => Promise<unknown>, signal: AbortSignal): Promise<Verdict> {
  try {
    await ask()
    return yes
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof OperatorError) return no(error.message)
    throw error
  }
}
