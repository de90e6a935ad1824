import { createHash } from 'node:crypto'
import { z } from 'zod'
import {
  derivePublicKey,
  privateKeyOfSeed,
  publicKeyOfRaw,
  rawPublicKey,
  seedOf,
} from '../formats/ed25519.ts'
import {
  isPrivateKeyFormat,
  isPublicKeyFormat,
  readPrivateKey,
  readPublicKey,
  writePrivateKey,
  writePublicKey,
} from '../formats/key-encoding.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { KindType, Made, MadeHere } from './kind.ts'
import {
  cannotAdopt,
  encodeAs,
  missingPart,
  type PartCodecs,
  readParts,
  renderPart,
  soundBytes,
} from './part-codec.ts'
import { randomSecret } from './random-secret.ts'

const schema = z.strictObject({})
const keyLength = 32

/** Canonical: `private_key` is the 32-byte seed of RFC 8032 §5.1.5, `public_key` the 32-byte point. */
const codecs = {
  private_key: {
    formats: ['raw', 'hex', 'base64', 'base64url', 'pkcs8-pem', 'pkcs8-der'],
    encode: (seed, format) =>
      isPrivateKeyFormat(format)
        ? writePrivateKey(privateKeyOfSeed(seed), format)
        : encodeAs(seed, format),
    decode(bytes, format) {
      if (!isPrivateKeyFormat(format)) return soundBytes(bytes, format, hasKeyLength)
      const key = readPrivateKey(bytes, format)
      return key && seedOf(key)
    },
  },
  public_key: {
    formats: ['raw', 'hex', 'base64', 'base64url', 'pem', 'der'],
    public: true,
    encode: (raw, format) =>
      isPublicKeyFormat(format)
        ? writePublicKey(publicKeyOfRaw(raw), format)
        : encodeAs(raw, format),
    decode(bytes, format) {
      if (!isPublicKeyFormat(format)) return soundBytes(bytes, format, hasKeyLength)
      const key = readPublicKey(bytes, format)
      return key && rawPublicKey(key)
    },
  },
} satisfies PartCodecs

const kind: MadeHere = {
  madeBy: 'rekeyd',
  parts: codecs,
  generate: async () => made(randomSecret(keyLength)),
  render: async (parts, part, format) => renderPart(codecs, parts, part, format),

  async adopt(found) {
    const parts = readParts(codecs, found)
    const [seed, open] = [parts.get('private_key'), parts.get('public_key')]
    if (!seed) throw missingPart(found, 'private_key')
    const version = made(seed.secret)
    if (open && !version.parts['public_key']?.equals(open.secret)) {
      throw cannotAdopt(
        open.found,
        `does not belong to the private key that ${seed.found.place} holds`,
      )
    }
    return version
  },
}

/** A signing key (RFC 8032). Its public keys are what is archived, so that old signatures stay verifiable. */
export const ed25519: KindType<z.infer<typeof schema>> = {
  schema,
  neverCreate: true,
  elsewhere:
    'whoever verifies signatures must learn the new public key, and distrust what the old one signs from now on',
  create: () => kind,
}

function made(seed: SecretBytes): Made {
  const open = derivePublicKey(seed.bytes)
  const digest = createHash('sha256').update(open).digest('hex')
  const attributes = { algorithm: 'Ed25519', public_key: open.toString('hex') }
  const parts = { private_key: seed, public_key: SecretBytes.copyOf(open) }
  return { parts, fingerprint: `sha256:${digest}`, attributes }
}

function hasKeyLength(bytes: Buffer): boolean {
  return bytes.length === keyLength
}
