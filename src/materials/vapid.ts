import { createHash, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { z } from 'zod'
import {
  isPrivateKeyFormat,
  isPublicKeyFormat,
  readPrivateKey,
  readPublicKey,
  writePrivateKey,
  writePublicKey,
} from '../formats/key-encoding.ts'
import { joinOffHeap } from '../formats/off-heap.ts'
import {
  derivePoint,
  isPoint,
  type P256Pair,
  pairOf,
  pointOf,
  privateKeyOf,
  publicKeyOf,
} from '../formats/p256.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Found, KindType, Made, MadeHere, Parts } from './kind.ts'
import {
  cannotAdopt,
  encodeAs,
  missingPart,
  type PartCodecs,
  readParts,
  renderPart,
  soundBytes,
} from './part-codec.ts'

const schema = z.strictObject({})

/**
 * Canonical: `private_key` is the 32-byte scalar, big endian, `public_key` the 65-byte uncompressed point.
 * The first format is what browsers and web push libraries take: base64url without padding.
 */
const codecs = {
  private_key: {
    formats: ['base64url', 'raw', 'hex', 'base64', 'pkcs8-pem', 'pkcs8-der', 'sec1-pem'],
    encode: (scalar, format) =>
      isPrivateKeyFormat(format)
        ? writePrivateKey(privateKeyOf(pairFrom(scalar)), format)
        : encodeAs(scalar, format),
    decode(bytes, format) {
      if (!isPrivateKeyFormat(format)) {
        return soundBytes(bytes, format, (scalar) => derivePoint(scalar) !== undefined)
      }
      const key = readPrivateKey(bytes, format)
      const pair = key && pairOf(key)
      // A container carries the point along, and nobody checked that it belongs to the scalar.
      return pair && derivePoint(pair.scalar)?.equals(pair.point) ? pair.scalar : undefined
    },
  },
  public_key: {
    formats: ['base64url', 'raw', 'hex', 'base64', 'pem', 'der'],
    public: true,
    encode: (point, format) =>
      isPublicKeyFormat(format)
        ? writePublicKey(publicKeyOf(point), format)
        : encodeAs(point, format),
    decode(bytes, format) {
      if (!isPublicKeyFormat(format)) return soundBytes(bytes, format, isPoint)
      const key = readPublicKey(bytes, format)
      return key && pointOf(key)
    },
  },
} satisfies PartCodecs

const kind: MadeHere = {
  madeBy: 'rekeyd',
  parts: { ...codecs, web_push_json: { formats: ['json'] } },

  async generate() {
    const pair = pairOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
    if (!pair) throw new OperatorError('OpenSSL made no P-256 key')
    return made(pair)
  },

  async render(parts, part, format) {
    return part === 'web_push_json' && format === 'json'
      ? webPushJson(parts)
      : renderPart(codecs, parts, part, format)
  },

  async adopt(found) {
    const parts = readParts(codecs, found.flatMap(splitWebPushJson))
    const [scalar, point] = [parts.get('private_key'), parts.get('public_key')]
    if (!scalar) throw missingPart(found, 'private_key')
    const pair = pairFrom(scalar.secret.bytes)
    if (point && !pair.point.equals(point.secret.bytes)) {
      throw cannotAdopt(
        point.found,
        `does not belong to the private key that ${scalar.found.place} holds`,
      )
    }
    return made(pair)
  },
}

/** What web push signs with (RFC 8292): an ECDSA key on P-256. */
export const vapid: KindType<z.infer<typeof schema>> = {
  schema,
  elsewhere: 'push subscriptions belong to the old key: clients must subscribe again',
  create: () => kind,
}

/** Wipes the pair. */
function made(pair: P256Pair): Made {
  provePair(pair)
  const digest = createHash('sha256').update(pair.point).digest('hex')
  const attributes = {
    algorithm: 'ES256',
    key_id: digest.slice(0, 16),
    public_key: pair.point.toString('base64url'),
  }
  const parts = {
    private_key: SecretBytes.take(pair.scalar),
    public_key: SecretBytes.take(pair.point),
  }
  return { parts, fingerprint: `sha256:${digest}`, attributes }
}

/** Neither web push libraries nor Node's JWK import notice a public key that is somebody else's. */
function provePair(pair: P256Pair): void {
  const probe = randomBytes(32)
  const encoding = { dsaEncoding: 'ieee-p1363' } as const
  const signature = sign('sha256', probe, { key: privateKeyOf(pair), ...encoding })
  if (!verify('sha256', probe, { key: publicKeyOf(pair.point), ...encoding }, signature)) {
    throw new OperatorError(
      'the public key of a VAPID pair does not verify what the private one signs',
    )
  }
}

/** The pair of a canonical scalar, which is not copied. */
function pairFrom(scalar: Buffer): P256Pair {
  const point = derivePoint(scalar)
  if (!point) throw new RangeError('not a canonical private key of P-256')
  return { scalar, point }
}

/** The form that the web-push command line prints and its libraries read. */
function webPushJson(parts: Parts): SecretBytes {
  const publicKey = renderPart(codecs, parts, 'public_key', 'base64url')
  const privateKey = renderPart(codecs, parts, 'private_key', 'base64url')
  const pieces = ['{"publicKey":"', publicKey, '","privateKey":"', privateKey, '"}']
  const json = joinOffHeap(
    ...pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece.bytes)),
  )
  privateKey.wipe()
  return SecretBytes.take(json)
}

const webPushKeys = z.object({ publicKey: z.string(), privateKey: z.string() })

/** Web push JSON as the two parts in it; anything else as it is. */
function splitWebPushJson(found: Found): Found[] {
  if (found.part !== 'web_push_json') return [found]
  const keys = webPushKeys.safeParse(parseJson(found.bytes.bytes))
  if (!keys.success) throw cannotAdopt(found, 'is no JSON with a publicKey and a privateKey')
  const part = (name: string, text: string): Found => ({
    part: name,
    format: 'base64url',
    bytes: SecretBytes.fromText(text),
    place: found.place,
  })
  return [part('private_key', keys.data.privateKey), part('public_key', keys.data.publicKey)]
}

/** JSON.parse quotes its input when it fails. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
