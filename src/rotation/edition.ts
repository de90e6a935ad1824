import type { MadeHere } from '../materials/kind.ts'
import { type Format, formats } from '../model/material.ts'
import type { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition, Version } from '../model/version.ts'
import type { KeyStore } from '../store/key-store.ts'
import { OperatorError } from '../support/operator-error.ts'

/** The version's bytes, unsealed anew at each use and wiped after it. */
export function editionOf(
  keys: Pick<KeyStore, 'secret'>,
  kind: MadeHere,
  version: Version,
): Edition {
  return {
    version,
    async bytes(part, format): Promise<SecretBytes> {
      const wanted = resolvePart(kind, part, format)
      const parts = keys.secret(version.material, version.number)
      try {
        return await kind.render(parts, wanted.part, wanted.format)
      } finally {
        for (const secret of Object.values(parts)) secret.wipe()
      }
    },
  }
}

/**
 * Fills in the kind's defaults.
 * @throws OperatorError when the kind has no such part or format
 */
export function resolvePart(
  kind: MadeHere,
  part = Object.keys(kind.parts)[0],
  format?: string,
): { readonly part: string; readonly format: Format } {
  const found = part === undefined ? undefined : kind.parts[part]
  if (part === undefined || !found) {
    throw new OperatorError(`there is no part ${part}`, {
      kind: 'config',
      hint: `the parts are ${Object.keys(kind.parts).join(', ')}`,
    })
  }
  const wanted = formats.find((name) => name === (format ?? found.formats[0]))
  if (!wanted || !found.formats.includes(wanted)) {
    throw new OperatorError(`part ${part} cannot be written as ${format}`, {
      kind: 'config',
      hint: `its formats are ${found.formats.join(', ')}`,
    })
  }
  return { part, format: wanted }
}
