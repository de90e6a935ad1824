import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Version } from '../model/version.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { replaceFile, syncFolder } from './replace-file.ts'

/**
 * Keeps a public part as a plain file, `state_dir/public/MATERIAL/NUMBER-NAME`, so that old signatures
 * can be checked when everything else is gone. Repeating it is fine; other bytes are refused.
 * @param name file name with its ending: `public_key.pem`
 * @returns the path
 */
export function archivePublic(
  stateDir: string,
  version: Pick<Version, 'material' | 'number'>,
  name: string,
  bytes: Uint8Array,
): string {
  const folder = join(stateDir, 'public', version.material)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  syncFolder(join(stateDir, 'public'))
  syncFolder(stateDir)
  const path = join(folder, `${version.number}-${name}`)
  const kept = readKept(path)
  if (!kept) replaceFile(path, bytes, 0o644)
  else if (!kept.equals(bytes)) {
    throw new OperatorError(`${path} holds another public part than version ${version.number}`, {
      kind: 'needs-attention',
      hint: 'move it away once you know where it comes from; archived parts are never overwritten',
    })
  }
  return path
}

function readKept(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
