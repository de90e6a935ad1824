import { isWithin } from '../support/safe-path.ts'
import type { Config } from './config.ts'
import type { Problem } from './problem.ts'

/** Backups that nobody could open, or that would be lost with what they are of. */
export function backupProblems({ backup, recipients, stateDir }: Config): Problem[] {
  if (!backup) return []
  const path = ['backup']
  const problems: Problem[] = []
  if (recipients.length === 0) {
    const message = 'nobody can open the backups: set `recovery: { recipients: [age1…] }`'
    problems.push({ path, at: 'key', message })
  }
  if (isWithin(backup.to, stateDir)) {
    const message = `a backup in ${stateDir} is lost together with the store: choose another folder`
    problems.push({ path: [...path, 'to'], message })
  }
  return problems
}
