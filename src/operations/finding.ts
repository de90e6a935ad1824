import type { Finding } from '../targets/target.ts'

/** `version 3`, `nothing`, `something else` or `unknown (…)`. */
export function formatFinding(finding: Finding): string {
  switch (finding.holds) {
    case 'version':
      return `version ${finding.number}`
    case 'unknown':
      return `unknown (${finding.detail})`
    case 'nothing':
    case 'something else':
      return finding.holds
  }
}
