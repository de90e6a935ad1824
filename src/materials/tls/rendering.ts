import { parseCertificate } from '../../formats/certificate.ts'
import { isSelfSigned } from '../../formats/certificate-chain.ts'
import {
  type PrivateKeyFormat,
  readPrivateKey,
  writePrivateKey,
} from '../../formats/key-encoding.ts'
import { joinOffHeap } from '../../formats/off-heap.ts'
import { decodePem, encodePem } from '../../formats/pem.ts'
import { writePkcs12 } from '../../formats/pkcs12.ts'
import type { Format } from '../../model/material.ts'
import { SecretBytes } from '../../model/secret-bytes.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { Part, Parts } from '../kind.ts'

/** A version's parts as {@link madeOf} lays them down. */
interface Stored {
  readonly privateKey: Buffer
  readonly certificate: Buffer
  /** PEM. */
  readonly chain?: Buffer
  readonly ca?: Buffer
}

type Render = (
  stored: Stored,
  format: Format,
  readPassword: () => Promise<Buffer>,
) => Buffer | Promise<Buffer>

const certificateLabel = 'CERTIFICATE'
/** A private key in DER is always PKCS #8 (rustls and most others take nothing else). */
const containers: Partial<Record<Format, PrivateKeyFormat>> = {
  pem: 'pkcs8-pem',
  der: 'pkcs8-der',
  'pkcs8-pem': 'pkcs8-pem',
  'pkcs8-der': 'pkcs8-der',
  'pkcs1-pem': 'pkcs1-pem',
  'sec1-pem': 'sec1-pem',
}

const renders: Readonly<Record<string, Render>> = {
  certificate: ({ certificate }, format) => certificateAs(certificate, format),
  private_key: ({ privateKey }, format) => keyAs(privateKey, format),
  chain: ({ chain }) =>
    joinOffHeap(chain ?? absent('chain', 'nothing lies between it and its root')),
  fullchain: fullchainOf,
  ca: (stored, format) => certificateAs(anchorOf(stored), format),
  bundle: bundleOf,
  combined: (stored) => joinOffHeap(keyAs(stored.privateKey, 'pem'), fullchainOf(stored)),
}

/** What a part is for, in the order of the reference. `chain` only where an issuer may have one. */
export function tlsParts(
  keyFormats: readonly Format[],
  hasChain: boolean,
): Readonly<Record<string, Part>> {
  return {
    certificate: { formats: ['pem', 'der'], public: true },
    private_key: { formats: ['pkcs8-pem', 'pkcs8-der', ...keyFormats, 'pem', 'der'] },
    ...(hasChain && { chain: { formats: ['pem'], public: true } as const }),
    fullchain: { formats: ['pem'], public: true },
    ca: { formats: ['pem', 'der'], public: true },
    bundle: { formats: ['pkcs12'] },
    combined: { formats: ['pem'] },
  }
}

/**
 * Encodes one part.
 * @param declared the kind's own parts
 * @param readPassword the password of PKCS #12, read only where it is needed
 * @throws OperatorError when there is no such part or format, or this version lacks it
 */
export async function renderTls(
  declared: Readonly<Record<string, Part>>,
  parts: Parts,
  part: string,
  format: Format,
  readPassword: () => Promise<Buffer>,
): Promise<SecretBytes> {
  const formats = Object.hasOwn(declared, part) ? declared[part]?.formats : undefined
  const render = formats && renders[part]
  if (!render) {
    throw new OperatorError(`there is no part ${part}`, {
      kind: 'config',
      hint: `parts: ${Object.keys(declared).join(', ')}`,
    })
  }
  if (!formats.includes(format)) throw noSuchFormat(part, format, formats)
  return SecretBytes.take(await render(storedIn(parts), format, readPassword))
}

function noSuchFormat(part: string, format: Format, formats: readonly Format[]): OperatorError {
  const isChain = format === 'der' && (part === 'chain' || part === 'fullchain')
  return new OperatorError(
    isChain
      ? `part ${part} has no format der: one DER file cannot hold a chain`
      : `part ${part} has no format ${format}`,
    {
      kind: 'config',
      hint: isChain
        ? 'write part certificate as der, and give clients what is above it'
        : `formats: ${formats.join(', ')}`,
    },
  )
}

function storedIn({ private_key, certificate, chain, ca }: Parts): Stored {
  if (!private_key || !certificate) throw new RangeError('no version of kind tls')
  return {
    privateKey: private_key.bytes,
    certificate: certificate.bytes,
    ...(chain && { chain: chain.bytes }),
    ...(ca && { ca: ca.bytes }),
  }
}

function certificateAs(der: Buffer, format: Format): Buffer {
  return format === 'der' ? joinOffHeap(der) : encodePem(certificateLabel, der)
}

function keyAs(der: Buffer, format: Format): Buffer {
  const key = readPrivateKey(der, 'pkcs8-der')
  const container = containers[format]
  if (!key || !container) throw new RangeError('no private key of kind tls')
  try {
    return writePrivateKey(key, container)
  } catch {
    throw new OperatorError(
      `a private key of type ${key.asymmetricKeyType} has no ${format} form`,
      {
        kind: 'config',
        hint: 'use pkcs8-pem or pkcs8-der, which fit every key',
      },
    )
  }
}

function fullchainOf({ certificate, chain }: Stored): Buffer {
  return joinOffHeap(encodePem(certificateLabel, certificate), chain ?? Buffer.alloc(0))
}

/** A self-signed certificate is its own anchor. */
function anchorOf({ certificate, ca }: Stored): Buffer {
  const leaf = ca ? undefined : parseCertificate(certificate)
  return ca ?? (leaf && isSelfSigned(leaf) ? certificate : absent('ca', 'its root is not known'))
}

async function bundleOf(
  { privateKey, certificate, chain }: Stored,
  _format: Format,
  readPassword: () => Promise<Buffer>,
): Promise<Buffer> {
  const password = await readPassword()
  const above = (chain && decodePem(chain)) ?? []
  const certificates = [certificate, ...above.map(({ der }) => der)] as const
  const bundle = await writePkcs12({ privateKey, certificates, password })
  password.fill(0)
  return bundle
}

function absent(part: string, reason: string): never {
  throw new OperatorError(`the certificate has no part ${part}: ${reason}`, {
    hint: 'remove the target, or write part fullchain, which every certificate has',
  })
}
