import type { KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parseCertificate } from '../formats/certificate.ts'
import { signCertificate } from '../formats/certificate-issuance.ts'
import { algorithmOf, generatePrivateKey } from '../formats/key-algorithm.ts'
import {
  readPrivateKey,
  readPublicKey,
  writePrivateKey,
  writePublicKey,
} from '../formats/key-encoding.ts'
import { joinOffHeap } from '../formats/off-heap.ts'
import { decodePem, encodePem } from '../formats/pem.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Found, KindType, Made, MadeHere } from './kind.ts'
import { cannotAdopt, missingPart, type PartCodecs, readParts, renderPart } from './part-codec.ts'
import { nodeIdOf, refuseSharedIdentity } from './quptime-cluster.ts'
import { keyFingerprintOf } from './tls/credential.ts'

const schema = z.strictObject({
  data_dir: z
    .string()
    .startsWith('/', 'must be an absolute path')
    .describe("QUptime's data folder, with node.yaml and cluster.yaml."),
  node_id: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be a node id, as node.yaml has it')
    .optional()
    .describe(
      'Id of this node where the environment overrides node.yaml; read from there if absent.',
    ),
})
type NodeIdentityOptions = z.infer<typeof schema>

/**
 * The identity of a QUptime node, as `qu` makes it: an RSA-3072 key and a certificate that its peers pin by the
 * key. Replacing it is a matter of the whole cluster, so only a node that is alone gets a new one.
 */
export const nodeIdentity: KindType<NodeIdentityOptions> = {
  schema,
  neverCreate: true,
  expires: true,
  elsewhere: 'every peer must learn the new identity, and forget the old one',
  create: createNodeIdentity,
}

const hour = 3_600_000
const lifetime = 3650 * 24 * hour
const certificateLabel = 'CERTIFICATE'

/** Canonical: PKCS #8, SubjectPublicKeyInfo and the certificate, all DER. */
const codecs: PartCodecs = {
  private_key: {
    formats: ['pkcs1-pem', 'pkcs8-pem'],
    encode: (der, format) =>
      writePrivateKey(keyOf(der), format === 'pkcs1-pem' ? format : 'pkcs8-pem'),
    decode: (pem) => {
      const key = readPrivateKey(pem, 'pkcs8-pem')
      return key?.asymmetricKeyType === 'rsa' ? writePrivateKey(key, 'pkcs8-der') : undefined
    },
  },
  public_key: {
    formats: ['pem'],
    public: true,
    encode: (der) => encodePem('PUBLIC KEY', der),
    decode: (pem) => {
      const key = readPublicKey(pem, 'pem')
      return key && writePublicKey(key, 'der')
    },
  },
  certificate: {
    formats: ['pem'],
    public: true,
    encode: (der) => encodePem(certificateLabel, der),
    decode: (pem) => {
      const block = decodePem(pem)?.find(({ label }) => label === certificateLabel)
      return block && parseCertificate(block.der) && joinOffHeap(block.der)
    },
  },
}

function createNodeIdentity(options: NodeIdentityOptions): MadeHere {
  const dataDir = options.data_dir
  const ownId = async () => options.node_id ?? nodeIdOf(dataDir)
  return {
    madeBy: 'rekeyd',
    parts: codecs,
    permit: async () => refuseSharedIdentity(dataDir, await ownId()),
    async generate({ now }, signal) {
      const nodeId = await ownId()
      await refuseSharedIdentity(dataDir, nodeId)
      const key = await generatePrivateKey('rsa-3072')
      signal.throwIfAborted()
      return madeOf(key, await selfSign(key, nodeId, now))
    },
    render: async (parts, part, format) => renderPart(codecs, parts, part, format),
    /** A node id that does not fit is what `qu` makes of a lost node.yaml: every peer would refuse it. */
    async adopt(found) {
      const identity = readIdentity(found)
      const nodeId = await ownId()
      if (commonNameOf(identity.certificate) === nodeId) {
        return madeOf(identity.key, identity.certificate)
      }
      throw new OperatorError(`${identity.place}: the certificate is for another node id`, {
        kind: 'refused',
        hint: `restore the node.yaml that belongs to it, or remove the keys in ${dataDir}`,
      })
    },
  }
}

/** Field by field what `qu init` writes: no names beside the subject, no key identifiers. */
async function selfSign(key: KeyObject, nodeId: string, now: number): Promise<X509Certificate> {
  const der = await signCertificate({
    attributes: [
      ['O', 'quptime'],
      ['CN', nodeId],
    ],
    names: [],
    key,
    notBefore: now - hour,
    notAfter: now + lifetime,
    keyIdentifiers: false,
  })
  const certificate = parseCertificate(der)
  // With a pair that does not match qu starts, logs nothing, and every handshake fails.
  if (!certificate?.checkPrivateKey(key)) throw new Error('the certificate just signed is unusable')
  return certificate
}

function readIdentity(found: readonly Found[]) {
  const parts = readParts(codecs, found)
  const privateKey = parts.get('private_key')
  const own = parts.get('certificate')
  if (!privateKey) throw missingPart(found, 'private_key')
  if (!own) throw missingPart(found, 'certificate')
  const key = keyOf(privateKey.secret.bytes)
  const certificate = certificateOf(own.secret.bytes)
  if (!certificate.checkPrivateKey(key)) {
    throw cannotAdopt(own.found, `does not belong to the private key in ${privateKey.found.place}`)
  }
  const publicKey = parts.get('public_key')
  if (publicKey && !publicKey.secret.bytes.equals(writePublicKey(certificate.publicKey, 'der'))) {
    throw cannotAdopt(
      publicKey.found,
      `does not belong to the private key in ${privateKey.found.place}`,
    )
  }
  return { key, certificate, place: own.found.place }
}

function madeOf(key: KeyObject, certificate: X509Certificate): Made {
  const publicKey = writePublicKey(certificate.publicKey, 'der')
  return {
    parts: {
      private_key: SecretBytes.take(writePrivateKey(key, 'pkcs8-der')),
      public_key: SecretBytes.copyOf(publicKey),
      certificate: SecretBytes.copyOf(certificate.raw),
    },
    fingerprint: keyFingerprintOf(certificate),
    attributes: {
      algorithm: algorithmOf(key),
      node_id: commonNameOf(certificate) ?? '',
      serial: certificate.serialNumber.toLowerCase(),
    },
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
  }
}

function commonNameOf({ subject }: X509Certificate): string | undefined {
  return /^CN=(.*)$/m.exec(subject)?.[1]
}

function keyOf(der: Buffer): KeyObject {
  const key = readPrivateKey(der, 'pkcs8-der')
  if (!key) throw new RangeError('no private key of kind node-identity')
  return key
}

function certificateOf(der: Buffer): X509Certificate {
  const certificate = parseCertificate(der)
  if (!certificate) throw new RangeError('no certificate of kind node-identity')
  return certificate
}
