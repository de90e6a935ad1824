import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import type { Version } from '../model/version.ts'
import { editionOf } from '../rotation/edition.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import { isMadeHere } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'

/**
 * The version that `reveal` means.
 * @throws OperatorError `not-found`
 */
export function versionToReveal(
  keys: KeyStore,
  name: string,
  which: number | 'next' | 'previous' | undefined,
): Version {
  const versions = keys.list(name)
  const found = versions.find((version) => {
    if (which === undefined) return version.state === 'active'
    if (which === 'next') return version.state === 'prepared'
    if (which === 'previous') return version.activeSince !== undefined && version.state !== 'active'
    return version.number === which
  })
  if (found) return found
  throw new OperatorError(`${name} has no ${which ?? 'active'} version`, {
    kind: 'not-found',
    hint: `\`rekeyd status ${name}\` lists its versions`,
  })
}

/**
 * Writes a secret to a new file that only its owner reads.
 * @throws OperatorError when the file exists: it is never written over
 */
export async function revealTo(
  out: string,
  keys: KeyStore,
  material: ManagedMaterial,
  version: Version,
  part: string | undefined,
  format: string | undefined,
): Promise<void> {
  if (!isMadeHere(material)) {
    throw new OperatorError(
      `${material.name} is made by its consumer: there is nothing to reveal`,
      {
        kind: 'refused',
      },
    )
  }
  const secret = await editionOf(keys, material.kind, version).bytes(part, format)
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
  const file = await open(out, flags, 0o600).catch((error: unknown) => {
    throw unwritable(out, error)
  })
  try {
    await file.writeFile(secret.bytes)
    await file.sync()
  } catch (error) {
    await unlink(out)
    throw error
  } finally {
    secret.wipe()
    await file.close()
  }
}

function unwritable(out: string, error: unknown): OperatorError {
  const exists = hasCode(error, 'EEXIST', 'ELOOP')
  return new OperatorError(exists ? `${out} exists` : `${out} cannot be created`, {
    kind: 'refused',
    cause: error,
    hint: exists
      ? 'name a file that does not exist; nothing is ever written over'
      : 'name a file in a folder that rekeyd may write to',
  })
}
