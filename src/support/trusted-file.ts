import type { Stats } from 'node:fs'
import { OperatorError } from './operator-error.ts'

/**
 * Refuses a file that anybody but root and us could have written.
 * @throws OperatorError of kind `config`
 */
export function refuseUntrusted(path: string, { mode, uid, gid }: Stats): void {
  const us = process.geteuid?.()
  if (uid !== 0 && uid !== us) {
    refuse(`${path}: owned by uid ${uid}, neither root nor uid ${us}`, `chown root ${path}`)
  }
  if ((mode & 0o022) !== 0) {
    const octal = (mode & 0o7777).toString(8).padStart(4, '0')
    refuse(
      `${path}: mode ${octal} lets others than its owner write it (gid ${gid})`,
      `chmod go-w ${path}`,
    )
  }
}

function refuse(message: string, hint: string): never {
  throw new OperatorError(message, { kind: 'config', hint })
}
