import type { X509Certificate } from 'node:crypto'
import { weaknessOf } from '../../formats/certificate.ts'
import { isSelfSigned } from '../../formats/certificate-chain.ts'
import { signCertificate } from '../../formats/certificate-issuance.ts'
import { generatePrivateKey } from '../../formats/key-algorithm.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { type Credential, credentialOf } from './credential.ts'
import { certificateTimes, parseOwn, subjectFor, type Times } from './issuance.ts'
import type { Issuer, IssuerType, Wish } from './issuer.ts'
import { type KeyPairFiles, keyPairFiles, readKeyPair } from './key-pair-files.ts'

/** A private CA in files: its certificate, followed by those above it if it is not a root, and its key. */
export const ca: IssuerType<KeyPairFiles> = {
  schema: keyPairFiles.describe('A private CA whose key rekeyd may read.'),
  heeds: ['algorithm', 'lifetime'],
  delivers: false,
  create: createCa,
}

/** What is left of a CA's own life when it signs nothing of use any more. Milliseconds. */
const uselessRest = 3_600_000

function createCa(files: KeyPairFiles, wish: Wish): Issuer {
  const source = `the CA in ${files.certificate}`
  return {
    async issue(now, signal) {
      const authority = await readAuthority(files)
      const path = [authority.leaf, ...authority.chain]
      const wished = certificateTimes(now, wish.lifetime)
      const times = timesUnder(path, wished, source)
      const key = await generatePrivateKey(wish.algorithm)
      signal.throwIfAborted()
      const issuer = { certificate: authority.leaf, key: authority.key }
      const subject = { ...subjectFor(wish.names), key }
      const der = await signCertificate({ ...subject, ...times, issuer, keyIdentifiers: true })
      return {
        key,
        leaf: parseOwn(der),
        chain: path.filter((certificate) => !isSelfSigned(certificate)),
        anchor: path.at(-1) ?? authority.leaf,
        source,
        ...(times.notAfter < wished.notAfter && { limit: 'the CA itself ends then' }),
      }
    },
  }
}

/** The CA's own certificate takes the place of the leaf. */
async function readAuthority(files: KeyPairFiles): Promise<Credential> {
  const { key, certificate, others } = await readKeyPair(files)
  const problem = certificate.ca ? weaknessOf(certificate) : 'is not the certificate of a CA'
  if (problem) {
    throw new OperatorError(`the CA in ${files.certificate} ${problem}`, {
      hint: 'a CA needs X.509 v3 with basicConstraints CA:TRUE, a strong key and SHA-2',
    })
  }
  return credentialOf(key, certificate, others, files.certificate)
}

/** The part of the wished time in which every CA on the path is valid, too. */
function timesUnder(path: readonly X509Certificate[], wished: Times, source: string): Times {
  const begin = Math.max(...path.map(({ validFromDate }) => validFromDate.getTime()))
  const end = Math.min(...path.map(({ validToDate }) => validToDate.getTime()))
  if (begin > wished.now) {
    throw new OperatorError(`${source} is not valid before ${new Date(begin).toISOString()}`)
  }
  if (end - wished.now < uselessRest) {
    throw new OperatorError(`${source} ends ${new Date(end).toISOString()}`, {
      hint: 'renew the CA first',
    })
  }
  const notBefore = Math.max(begin, wished.notBefore)
  return { now: wished.now, notBefore, notAfter: Math.min(end, wished.notAfter) }
}
