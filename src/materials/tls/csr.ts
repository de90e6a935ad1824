import { z } from 'zod'
import { signRequest } from '../../formats/certificate-issuance.ts'
import { generatePrivateKey } from '../../formats/key-algorithm.ts'
import { writePrivateKey } from '../../formats/key-encoding.ts'
import { encodePem } from '../../formats/pem.ts'
import { SecretBytes } from '../../model/secret-bytes.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { subjectFor } from './issuance.ts'
import type { Issuer, IssuerType, Wish } from './issuer.ts'

const schema = z
  .strictObject({})
  .describe(
    'rekeyd makes the key, a CA elsewhere the certificate: `rekeyd csr`, then `rekeyd import`.',
  )

/** The key never leaves; people carry the request to a CA and its answer back. */
export const csr: IssuerType<z.infer<typeof schema>> = {
  schema,
  heeds: ['algorithm'],
  delivers: true,
  scarce: 'a CA elsewhere makes it',
  create: (_options, wish) => createCsr(wish),
}

function createCsr(wish: Wish): Issuer {
  return {
    async issue() {
      throw new OperatorError('only a CA elsewhere can make the next certificate', {
        hint: '`rekeyd csr NAME` prints a request for it; bring the answer with `rekeyd import NAME`',
      })
    },
    async request() {
      const key = await generatePrivateKey(wish.algorithm)
      const der = await signRequest({ ...subjectFor(wish.names), key })
      const parts = { private_key: SecretBytes.take(writePrivateKey(key, 'pkcs8-der')) }
      return { parts, csr: encodePem('CERTIFICATE REQUEST', der).toString('latin1') }
    },
  }
}
