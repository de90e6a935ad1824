import { z } from 'zod'
import { type KeyAlgorithm, keyAlgorithms } from '../../formats/key-algorithm.ts'
import { normalizeSubjectName } from '../../formats/subject-name.ts'
import { durationSchema } from '../../model/duration-schema.ts'
import type { Format } from '../../model/material.ts'
import { readInputFile } from '../../support/input-file.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { KindType, MadeHere } from '../kind.ts'
import { refuseUnsound, refuseUseless } from './acceptance.ts'
import { credentialFrom } from './adoption.ts'
import { ca } from './ca.ts'
import { madeOf } from './credential.ts'
import { csr } from './csr.ts'
import { files } from './files.ts'
import type { IssuerType } from './issuer.ts'
import { renderTls, tlsParts } from './rendering.ts'
import { selfSigned } from './self-signed.ts'

/** Every issuer, by the name the config uses. */
const issuers = { self_signed: selfSigned, ca, csr, files }

const subjectName = z
  .string()
  .refine((name) => normalizeSubjectName(name) !== undefined, 'must be a DNS name or an IP address')

const schema = z.strictObject({
  issuer: z
    .union([
      z.enum(['self_signed', 'csr']),
      z
        .strictObject({
          self_signed: selfSigned.schema.optional(),
          ca: ca.schema.optional(),
          csr: csr.schema.optional(),
          files: files.schema.optional(),
        })
        .refine((choice) => Object.keys(choice).length === 1, 'needs exactly one issuer'),
    ])
    .describe('Where certificates come from: self_signed, ca, csr or files.'),
  names: z
    .array(subjectName)
    .min(1)
    .max(100)
    .optional()
    .describe(
      'DNS names and IP addresses the certificate is for; with `files` it is checked for them.',
    ),
  algorithm: z
    .enum(keyAlgorithms)
    .optional()
    .describe('Algorithm of the private key where rekeyd makes it; ecdsa-p256 if absent.'),
  lifetime: durationSchema
    .optional()
    .describe('How long a certificate that rekeyd signs is valid; 397d if absent.'),
  pkcs12_password_file: z
    .string()
    .startsWith('/', 'must be an absolute path')
    .optional()
    .describe('File with the password of part bundle; the password is empty if absent.'),
})
type TlsOptions = z.infer<typeof schema>

const defaults = { algorithm: 'ecdsa-p256', lifetime: 397 * 86_400_000 } as const

/** A private key and the certificate for it, for servers and clients that speak TLS or QUIC. */
export const tls: KindType<TlsOptions> = {
  schema,
  expires: true,
  elsewhere:
    'revoke the old certificate at its issuer, and replace it wherever clients have pinned it',
  create: (options, { material }) => createTls(options, material),
}

function createTls(options: TlsOptions, material: string): MadeHere {
  const { name, choice } = chosenIssuer(options)
  const type: Pick<IssuerType<never>, 'create' | 'delivers' | 'scarce'> = issuers[name]
  const { algorithm, lifetime, names: givenNames = [] } = options
  refuseIdleOptions(options, name, material)
  const names = givenNames.map((given) => normalizeSubjectName(given) ?? given)
  const issuer = type.create(choice, {
    names,
    algorithm: algorithm ?? defaults.algorithm,
    lifetime: lifetime ?? defaults.lifetime,
  })
  const parts = tlsParts(keyFormatsOf(name, algorithm), name !== 'self_signed')
  const readPassword = () => passwordFrom(options.pkcs12_password_file)
  return {
    madeBy: 'rekeyd',
    parts,
    ...(type.scarce !== undefined && { scarce: type.scarce }),
    async generate({ now, previous }, signal) {
      const issued = await issuer.issue(now, signal)
      refuseUnsound(issued, names, issued.source)
      refuseUseless(issued, previous?.version, now)
      return madeOf(issued, name)
    },
    render: (stored, part, format) => renderTls(parts, stored, part, format, readPassword),
    /** Takes what is in use as it is, however weak, unless it is the issuer that delivered it. */
    async adopt(found) {
      const credential = await credentialFrom(found, readPassword)
      const places = [...new Set(found.map(({ place }) => place))].join(' and ')
      if (type.delivers) refuseUnsound(credential, names, places)
      return madeOf(credential, name)
    },
    ...(issuer.changed && { changed: issuer.changed }),
    ...(issuer.request && { request: issuer.request }),
  }
}

function chosenIssuer({ issuer }: TlsOptions) {
  const [name, choice] =
    typeof issuer === 'string' ? [issuer, {}] : (Object.entries(issuer)[0] ?? [])
  // The schema lets nothing else through.
  return { name: name as keyof typeof issuers, choice: choice as never }
}

/** What an issuer cannot follow must not look as if it did. */
function refuseIdleOptions(
  options: TlsOptions,
  name: keyof typeof issuers,
  material: string,
): void {
  const { heeds } = issuers[name]
  if (heeds.length > 0 && !options.names) {
    throw new OperatorError(`${material}: issuer ${name} needs \`names\``, {
      kind: 'config',
      hint: 'list the DNS names and IP addresses that clients connect to',
    })
  }
  for (const option of ['algorithm', 'lifetime'] as const) {
    if (options[option] !== undefined && !heeds.includes(option)) {
      throw new OperatorError(`${material}: issuer ${name} has no say in \`${option}\``, {
        kind: 'config',
        hint: `remove \`${option}\`: it is decided where the certificate is made`,
      })
    }
  }
}

/** The containers of a private key that fit its algorithm only; whose algorithm is not ours to choose has all. */
function keyFormatsOf(name: keyof typeof issuers, algorithm?: KeyAlgorithm): readonly Format[] {
  if (name === 'files') return ['pkcs1-pem', 'sec1-pem']
  const family = (algorithm ?? defaults.algorithm).split('-')[0]
  if (family === 'rsa') return ['pkcs1-pem']
  return family === 'ecdsa' ? ['sec1-pem'] : []
}

/** The first line. */
async function passwordFrom(path: string | undefined): Promise<Buffer> {
  if (path === undefined) return Buffer.alloc(0)
  const bytes = await readInputFile(path)
  const end = bytes.findIndex((byte) => byte === 0x0a || byte === 0x0d)
  const password = end < 0 ? bytes : bytes.subarray(0, end)
  if (password.some((byte) => byte < 0x20 || byte > 0x7e)) {
    throw new OperatorError(`${path} holds a password that is not plain ASCII`, {
      hint: 'programs disagree on how PKCS #12 encodes any other',
    })
  }
  return password
}
