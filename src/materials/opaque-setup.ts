import { randomFillSync } from 'node:crypto'
import { z } from 'zod'
import { joinOffHeap, offHeap } from '../formats/off-heap.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { KindType, Made, MadeHere } from './kind.ts'
import { bytesCodec, cannotAdopt, missingPart, readParts, renderPart } from './part-codec.ts'

const schema = z.strictObject({})
const scalarLength = 32
const pointLength = 32
/** `oprf_seed ‖ server private key, little endian ‖ dummy public key`: opaque-ke 4 with ristretto255 and SHA-512. */
const layout = { privateKey: 64, dummyKey: 96, length: 128 } as const

/** Canonical: the bytes themselves; `public_key` is the compressed point that clients may pin. */
const codecs = {
  setup: bytesCodec(
    ['raw', 'hex', 'base64', 'base64url'],
    ({ length }) => length === layout.length,
  ),
  public_key: {
    ...bytesCodec(['raw', 'hex', 'base64', 'base64url'], ({ length }) => length === pointLength),
    public: true,
  },
}

const kind: MadeHere = {
  madeBy: 'rekeyd',
  parts: codecs,

  async generate() {
    const { multiplyBase } = await ristretto()
    const oprfSeed = randomFillSync(offHeap(layout.privateKey))
    const [privateKey, dummyScalar] = [await randomScalar(), await randomScalar()]
    // The dummy stands for users who do not exist: nobody may know its private key.
    const setup = joinOffHeap(oprfSeed, privateKey, multiplyBase(dummyScalar))
    for (const part of [oprfSeed, privateKey, dummyScalar]) part.fill(0)
    return made(SecretBytes.take(setup))
  },

  render: async (parts, part, format) => renderPart(codecs, parts, part, format),

  async adopt(found) {
    const parts = readParts(codecs, found)
    const [setup, open] = [parts.get('setup'), parts.get('public_key')]
    if (!setup) throw missingPart(found, 'setup')
    const { isScalar, isPoint } = await ristretto()
    const { privateKey, dummyKey } = layout
    if (
      !isScalar(setup.secret.bytes.subarray(privateKey, dummyKey)) ||
      !isPoint(setup.secret.bytes.subarray(dummyKey))
    ) {
      throw cannotAdopt(
        setup.found,
        'is no ServerSetup of opaque-ke 4',
        'opaque-ke 3 ends in another private key instead of a public one: update the server first',
      )
    }
    const version = await made(setup.secret)
    if (open && !version.parts['public_key']?.equals(open.secret)) {
      throw cannotAdopt(open.found, `does not belong to the setup that ${setup.found.place} holds`)
    }
    return version
  },
}

/**
 * The server's half of OPAQUE (RFC 9807) as opaque-ke 4 serializes its `ServerSetup`. Another setup means
 * that every user registers again.
 */
export const opaqueSetup: KindType<z.infer<typeof schema>> = {
  schema,
  neverCreate: true,
  elsewhere:
    'every user must register again; passwords that are easy to guess may be found from a copy of the database',
  create: () => kind,
}

async function made(setup: SecretBytes): Promise<Made> {
  const { multiplyBase } = await ristretto()
  const publicKey = multiplyBase(setup.bytes.subarray(layout.privateKey, layout.dummyKey))
  const attributes = {
    algorithm: 'opaque-ke-4/ristretto255-sha512',
    public_key: publicKey.toString('hex'),
  }
  return { parts: { setup, public_key: SecretBytes.copyOf(publicKey) }, attributes }
}

/** Uniform in [1, l − 1]: what lies outside is thrown away, about every second time. */
async function randomScalar(): Promise<Buffer> {
  const { isScalar } = await ristretto()
  const scalar = offHeap(scalarLength)
  do {
    randomFillSync(scalar)
    scalar[31] = (scalar[31] ?? 0) & 0x1f
  } while (!isScalar(scalar))
  return scalar
}

/** The group of RFC 9496. Its scalars are big integers while it computes, which cannot be wiped. */
async function ristretto() {
  const { ristretto255 } = await import('@noble/curves/ed25519.js')
  const { Point } = ristretto255
  return {
    isScalar: (bytes: Buffer) => accepts(() => !Point.Fn.is0(Point.Fn.fromBytes(bytes))),
    isPoint: (bytes: Buffer) => accepts(() => !Point.fromBytes(bytes).is0()),
    multiplyBase: (scalar: Buffer) =>
      Buffer.from(Point.BASE.multiply(Point.Fn.fromBytes(scalar)).toBytes()),
  }
}

/** The library throws for encodings that are not canonical (RFC 9496 §4.3.1). */
function accepts(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
