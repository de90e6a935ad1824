import { z } from 'zod'
import { signCertificate } from '../../formats/certificate-issuance.ts'
import { generatePrivateKey } from '../../formats/key-algorithm.ts'
import { certificateTimes, parseOwn, subjectFor } from './issuance.ts'
import type { Issuer, IssuerType, Wish } from './issuer.ts'

const schema = z
  .strictObject({})
  .describe('The certificate is its own trust anchor: clients pin it.')

/** A leaf that clients pin or are told to trust. It is no CA: who steals its key can sign nothing else. */
export const selfSigned: IssuerType<z.infer<typeof schema>> = {
  schema,
  heeds: ['algorithm', 'lifetime'],
  delivers: false,
  create: (_options, wish) => createSelfSigned(wish),
}

function createSelfSigned(wish: Wish): Issuer {
  return {
    async issue(now, signal) {
      const key = await generatePrivateKey(wish.algorithm)
      signal.throwIfAborted()
      const times = certificateTimes(now, wish.lifetime)
      const subject = { ...subjectFor(wish.names), key }
      const leaf = parseOwn(await signCertificate({ ...subject, ...times, keyIdentifiers: true }))
      return { key, leaf, chain: [], anchor: leaf, source: 'self_signed' }
    },
  }
}
