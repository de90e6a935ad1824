import type { OnFailure } from '../model/version.ts'

/**
 * What is done with a leaked version, unless a person says otherwise, when the next one cannot be proved. A
 * database whose key is in doubt is worth more open than safe; everything else can stay down.
 * @param kind by its name in the config
 */
export function usualOnFailure(kind: string): OnFailure {
  return kind === 'database-key' ? 'old' : 'stay-down'
}
