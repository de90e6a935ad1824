import type { KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { readCredentials } from '../../formats/credential-file.ts'
import { readInputFile } from '../../support/input-file.ts'
import { OperatorError } from '../../support/operator-error.ts'

const path = z.string().startsWith('/', 'must be an absolute path')

/** Options of an issuer that reads a certificate and its key from files. */
export const keyPairFiles = z.strictObject({
  certificate: path.describe('File with the certificate, PEM (those above it may follow) or DER.'),
  key: path.describe('File with its private key, PEM or DER, without a passphrase.'),
})
export type KeyPairFiles = z.infer<typeof keyPairFiles>

/** A key, the certificate for it, and what else lay beside that certificate. */
export interface KeyPair {
  readonly key: KeyObject
  readonly certificate: X509Certificate
  readonly others: readonly X509Certificate[]
}

/**
 * Reads both files. They may be the same one.
 * @throws OperatorError naming the file; also while a renewer has replaced only one of the two
 */
export async function readKeyPair(files: KeyPairFiles): Promise<KeyPair> {
  const certificates = await readCertificateFile(files.certificate)
  const key = await readKeyFile(files.key)
  const certificate = certificates.find((candidate) => candidate.checkPrivateKey(key))
  if (!certificate) {
    throw new OperatorError(
      `${files.certificate} holds no certificate for the private key in ${files.key}`,
      { hint: 'if they are being renewed at this moment, try again in a minute' },
    )
  }
  return { key, certificate, others: certificates.filter((other) => other !== certificate) }
}

async function readCertificateFile(file: string): Promise<readonly X509Certificate[]> {
  const { certificates } = await readFileOf(file)
  if (certificates.length === 0) throw new OperatorError(`${file} holds no certificate`)
  return certificates
}

async function readKeyFile(file: string): Promise<KeyObject> {
  const { privateKeys } = await readFileOf(file)
  const [key, another] = privateKeys
  if (!key) throw new OperatorError(`${file} holds no private key`)
  if (another) {
    throw new OperatorError(`${file} holds ${privateKeys.length} private keys`, {
      hint: 'leave only the one that belongs to the certificate',
    })
  }
  return key
}

async function readFileOf(file: string) {
  const bytes = await readInputFile(file)
  const credentials = readCredentials(bytes)
  bytes.fill(0)
  if ('problem' in credentials) throw new OperatorError(`${file} ${credentials.problem}`)
  return credentials
}
