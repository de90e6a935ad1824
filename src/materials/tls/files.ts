import { credentialOf, fingerprintOf } from './credential.ts'
import type { Issuer, IssuerType } from './issuer.ts'
import { type KeyPairFiles, keyPairFiles, readKeyPair } from './key-pair-files.ts'

/** Files that something else renews, such as certbot. Nothing is ever written there. */
export const files: IssuerType<KeyPairFiles> = {
  schema: keyPairFiles.describe('Files that certbot or another program renews.'),
  heeds: [],
  delivers: true,
  scarce: 'what renews the files decides when there is a next one',
  create: createFiles,
}

function createFiles(paths: KeyPairFiles): Issuer {
  return {
    async issue() {
      const { key, certificate, others } = await readKeyPair(paths)
      const source = paths.certificate
      const limit = 'what renews it has nothing newer'
      return { ...credentialOf(key, certificate, others, source), source, limit }
    },
    /** Reads the key, too: a pair that a renewer has replaced by half is no answer. */
    async changed(active) {
      const { certificate } = await readKeyPair(paths)
      return fingerprintOf(certificate) !== active?.fingerprint
    },
  }
}
