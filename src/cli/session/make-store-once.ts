import type { Config } from '../../config/config.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { CliParts } from './parts.ts'

/**
 * Makes the store where there is none. What is there already, or is in use, is the daemon's to judge: it waits, or
 * says what is wrong.
 * @returns false when there was one
 */
export async function makeStoreOnce(parts: CliParts, config: Config): Promise<boolean> {
  try {
    await parts.createStore(config)
    return true
  } catch (error) {
    const present = error instanceof OperatorError && ['refused', 'locked'].includes(error.kind)
    if (!present) throw error
    return false
  }
}
