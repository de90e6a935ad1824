import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { offHeap } from '../formats/off-heap.ts'
import type { Found, Made, MadeHere } from '../materials/kind.ts'
import type { Format } from '../model/material.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import type { Caller } from './operations.ts'
import type { ImportPart } from './views.ts'

/** Keys and chains are small; anything larger is the wrong file. */
const largest = 1 << 20

/**
 * Reads a version made elsewhere, together with the private key of an open certificate request.
 * @returns `already active` when it is the version in use: certbot's hook calls twice a day
 * @throws OperatorError naming the file that does not parse or does not belong to the others
 */
export async function readImport(
  material: ManagedMaterial,
  keys: KeyStore,
  files: readonly ImportPart[],
  now: number,
): Promise<Made | 'already active'> {
  const { name, kind } = material
  if (kind.madeBy === 'consumer' || !kind.adopt) {
    throw new OperatorError(`a ${name} cannot be imported`, { kind: 'refused' })
  }
  const found = await readParts(kind, files)
  const requested = keys.request(name)?.['private_key']
  const own: readonly Found[] =
    requested && !files.some(({ part }) => part === 'private_key')
      ? [{ part: 'private_key', format: 'pkcs8-der', bytes: requested, place: 'the open request' }]
      : []
  const made = await kind.adopt([...own, ...found], name)
  refuseInvalid(name, made, now)
  const fingerprint = made.fingerprint ?? keys.fingerprint(made.parts)
  const active = keys.active(name)
  // What has leaked is refused, not called active: it is to go.
  const isActive = active?.fingerprint === fingerprint && !active.compromised
  return isActive ? 'already active' : made
}

function refuseInvalid(name: string, { notBefore, notAfter }: Made, now: number): void {
  const early = notBefore !== undefined && notBefore > now
  const late = notAfter !== undefined && notAfter <= now
  if (!early && !late) return
  const moment = new Date((early ? notBefore : notAfter) ?? now).toISOString()
  throw new OperatorError(
    early ? `this ${name} is not valid before ${moment}` : `this ${name} expired at ${moment}`,
    { kind: 'refused', hint: 'nothing was changed; import one that is valid now' },
  )
}

/**
 * Makes a private key, keeps it sealed, and asks for a certificate for it.
 * @returns the request, PEM (RFC 2986)
 */
export async function requestCertificate(
  { name, kind }: ManagedMaterial,
  keys: KeyStore,
  now: number,
  caller: Caller,
): Promise<string> {
  if (kind.madeBy === 'consumer' || !kind.request) {
    throw new OperatorError(`${name} needs no certificate request`, {
      kind: 'refused',
      hint: 'only a tls material with issuer: csr has one',
    })
  }
  const { parts, csr } = await kind.request({ material: name, now })
  keys.setRequest(name, parts, caller)
  return csr
}

/**
 * Reads the files handed to `import`, and tells PEM from DER by their first bytes.
 * @throws OperatorError naming the file
 */
async function readParts(kind: MadeHere, parts: readonly ImportPart[]): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const { part, path } of parts) {
    const known = kind.parts[part]
    if (!known) {
      throw new OperatorError(`there is no part ${part} to import`, {
        kind: 'usage',
        hint: `its parts are ${Object.keys(kind.parts).join(', ')}`,
      })
    }
    const bytes = await read(path)
    found.push({ part, format: formatOf(bytes.bytes, known.formats), bytes, place: path })
  }
  return found
}

async function read(path: string): Promise<SecretBytes> {
  try {
    // Without O_NONBLOCK a FIFO would hold one of the few threads for files until somebody writes to it.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await file.stat()
      if (!stats.isFile()) throw new RangeError('it is not a regular file')
      if (stats.size > largest) throw new RangeError('it is larger than 1 MiB')
      // As far as it went when it was opened: a file that grows would be read for ever.
      const bytes = offHeap(stats.size)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
      return SecretBytes.take(bytes.subarray(0, bytesRead))
    } finally {
      await file.close()
    }
  } catch (error) {
    throw new OperatorError(`${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: 'rekeyd itself reads the file: name an absolute path that its user may read',
    })
  }
}

function formatOf(bytes: Buffer, formats: readonly [Format, ...Format[]]): Format {
  const ending = bytes.includes('-----BEGIN ') ? 'pem' : bytes[0] === 0x30 ? 'der' : undefined
  return formats.find((format) => ending !== undefined && format.endsWith(ending)) ?? formats[0]
}
