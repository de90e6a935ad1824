import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { writePkcs12 } from '../../../src/formats/pkcs12.ts'
import type { Found, Made, MadeHere } from '../../../src/materials/kind.ts'
import { tls } from '../../../src/materials/tls/tls.ts'
import type { Format } from '../../../src/model/material.ts'
import { SecretBytes } from '../../../src/model/secret-bytes.ts'
import { kindContext } from '../../support/kind-context.ts'
import { type Change, changed, changes } from './arbitraries.ts'
import {
  type Authority,
  authorities,
  CredentialPool,
  type Flavour,
  flavours,
  type KeyName,
  keyNames,
} from './credential-pool.ts'
import { type FuzzClass, placeholder } from './fuzz-class.ts'
import { pairsInOpenssl } from './readers/openssl.ts'
import type { Trial } from './trial.ts'

interface Input {
  readonly flavour: Flavour
  /** Whose the certificate is, and which key lies beside it. */
  readonly owner: KeyName
  readonly key: KeyName
  readonly chain: readonly (Authority | 'leaf')[]
  readonly leafAt: number
  readonly keyForm: KeyForm
  readonly form: 'pem' | 'der' | 'pkcs12'
  /** Before, between and behind PEM objects. */
  readonly junk: readonly [string, string, string]
  readonly ends: '\n' | '\r\n' | ''
  readonly together: boolean
  readonly keyTwice: boolean
  readonly change: { readonly of: 'key' | 'certificate'; readonly what: Change } | undefined
  readonly way: 'adopt' | 'files' | 'import'
}

interface Outcome {
  readonly made: Made
  /** The certificate and the key as they are laid down, PEM. */
  readonly pair: Buffer
}

const keyForms = {
  'pkcs8-pem': (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }),
  'pkcs8-der': (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' }),
  'pkcs1-pem': (key: KeyObject) => key.export({ type: 'pkcs1', format: 'pem' }),
  'sec1-pem': (key: KeyObject) => key.export({ type: 'sec1', format: 'pem' }),
  encrypted: (key: KeyObject) =>
    key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: placeholder }),
  'encrypted the old way': (key: KeyObject) =>
    key.export({
      type: key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: placeholder,
    }),
  'public only': (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }),
} satisfies Record<string, (key: KeyObject) => string | Buffer>
type KeyForm = keyof typeof keyForms

const junk = fc.constantFrom(
  '',
  '\n',
  'Bag Attributes\n    friendlyName: x\n',
  `# ${placeholder}\n`,
  '-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n-----END DH PARAMETERS-----\n',
  '-----BEGIN \n',
  `-----BEGIN ${placeholder}-----\n`,
  '\0\xff\n',
  `${'x'.repeat(300_000)}\n`,
)
const mostly = <T>(usual: T, others: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others })

const inputs: fc.Arbitrary<Input> = fc.constantFrom(...keyNames).chain((owner) =>
  fc.record({
    flavour: mostly<Flavour>('plain', fc.constantFrom(...flavours)),
    owner: fc.constant(owner),
    key: mostly<KeyName>(owner, fc.constantFrom(...keyNames)),
    chain: mostly<readonly (Authority | 'leaf')[]>(
      ['issuing'],
      fc.array(fc.constantFrom(...authorities, 'leaf' as const), { maxLength: 5 }),
    ),
    leafAt: mostly(0, fc.nat(5)),
    keyForm: mostly<KeyForm>('pkcs8-pem', fc.constantFrom(...(Object.keys(keyForms) as KeyForm[]))),
    form: fc.oneof(
      { weight: 16, arbitrary: fc.constant('pem' as const) },
      { weight: 8, arbitrary: fc.constant('der' as const) },
      { weight: 1, arbitrary: fc.constant('pkcs12' as const) },
    ),
    junk: fc.tuple(mostly('', junk), mostly('', junk), mostly('', junk)),
    ends: mostly<Input['ends']>('\n', fc.constantFrom('\r\n', '')),
    together: fc.nat(4).map((number) => number === 1),
    keyTwice: fc.nat(19).map((number) => number === 1),
    change: mostly<Input['change']>(
      undefined,
      fc.record({ of: fc.constantFrom('key', 'certificate'), what: changes }),
    ),
    way: fc.constantFrom('adopt', 'files', 'import'),
  }),
)

/** Private keys, certificates and what lies around them. */
export const certificates: FuzzClass<Input, Outcome | undefined> = {
  name: 'certificates',
  share: 30,
  inputs,
  async open() {
    const pool = new CredentialPool()
    await pool.certificate('many names', 'p256')
    const hasOpenssl = (await pairsInOpenssl([])) !== undefined
    return {
      attempt: (input, trial) => attempt(input, trial, pool),
      judge,
      missing: hasOpenssl ? [] : ['openssl'],
    }
  },
}

const now = Date.UTC(2027, 2, 1)
const signal = new AbortController().signal

async function attempt(
  input: Input,
  trial: Trial,
  pool: CredentialPool,
): Promise<Outcome | undefined> {
  const key = keyFile(input, trial, pool)
  const leaf = await pool.certificate(input.flavour, input.owner)
  const certificate = await certificateFile(input, leaf, trial, pool)
  const files =
    input.together && input.form === 'pem'
      ? [Buffer.concat([key, certificate])]
      : [key, certificate]
  const [first = key, second = first] = files.map((file, index) =>
    input.change && (input.change.of === 'key' ? 0 : files.length - 1) === index
      ? changed(file, input.change.what)
      : file,
  )
  const { value: made, refusal } = await trial.ask(() => take(input, trial, first, second))
  const verdict = expected(input)
  if (refusal) assert.notEqual(verdict, 'accepted', refusal.message)
  else assert.notEqual(verdict, 'refused', 'accepted')
  if (!made) return undefined
  const { private_key: stored, certificate: kept } = made.parts
  assert.ok(stored && kept)
  if (!input.change) {
    assert.ok(kept.bytes.equals(leaf), 'another certificate')
    const wanted = pool.key(input.key).export({ type: 'pkcs8', format: 'der' })
    assert.ok(stored.bytes.equals(wanted), 'another key')
  }
  const shown = JSON.stringify(made.attributes)
  assert.ok(shown.length < 8_000, `${shown.length} characters of attributes`)
  for (const text of Object.values(made.attributes)) assert.doesNotMatch(text, /\p{Cc}/u)
  return { made, pair: await comeBack(made, trial) }
}

/** Every way to lay it down again gives the same version back. */
async function comeBack(made: Made, trial: Trial): Promise<Buffer> {
  const kind = kinds.adopt
  const pieces: Buffer[] = []
  for (const [part, { formats }] of Object.entries(kind.parts)) {
    for (const format of part === 'bundle' ? [] : formats) {
      const { value } = await trial.ask(() => kind.render(made.parts, part, format))
      if (
        value &&
        format === (part === 'private_key' ? 'pkcs8-pem' : 'pem') &&
        /^(certificate|private_key)$/.test(part)
      ) {
        pieces.push(Buffer.from(value.bytes))
      }
    }
  }
  const chain = await kind.render(made.parts, 'combined', 'pem')
  const again = await kind.adopt?.([foundAt('combined', chain.bytes, 'pem')], 'it')
  assert.equal(again?.fingerprint, made.fingerprint)
  assert.ok(
    made.parts['private_key'] && again?.parts['private_key']?.equals(made.parts['private_key']),
  )
  return Buffer.concat(pieces)
}

const create = (issuer: object | string, names?: readonly string[]) =>
  tls.create(tls.schema.parse({ issuer, ...(names && { names }) }), kindContext) as MadeHere
const kinds = {
  adopt: create('self_signed', ['a.example.com']),
  import: create('csr', ['a.example.com']),
}

/** As the daemon comes by a certificate: found at targets, handed over, or from files that something else renews. */
async function take(
  { way, form, together }: Input,
  trial: Trial,
  key: Buffer,
  certificate: Buffer,
): Promise<Made> {
  if (form === 'pkcs12') {
    return adopted(kinds.adopt, [foundAt('bundle', certificate, 'pkcs12')])
  }
  if (way === 'files') {
    const files = { certificate: join(trial.folder, 'cert'), key: join(trial.folder, 'key') }
    writeFileSync(files.certificate, certificate)
    writeFileSync(files.key, key)
    return create({ files }).generate({ material: 'it', now }, signal)
  }
  const found =
    together && form === 'pem'
      ? [foundAt('combined', certificate, 'pem')]
      : [
          foundAt('private_key', key, key.includes('-----') ? 'pkcs8-pem' : 'pkcs8-der'),
          foundAt(form === 'pem' ? 'fullchain' : 'certificate', certificate, form),
        ]
  return adopted(kinds[way], found)
}

async function adopted(kind: MadeHere, found: readonly Found[]): Promise<Made> {
  const made = await kind.adopt?.(found, 'it')
  if (!made) throw new RangeError('this kind adopts nothing')
  return made
}

function foundAt(part: string, bytes: Buffer, format: Format): Found {
  return { part, format, place: `/etc/${part}`, bytes: SecretBytes.copyOf(bytes) }
}

function keyFile(input: Input, trial: Trial, pool: CredentialPool): Buffer {
  const key = pool.key(input.key)
  const pem = String(key.export({ type: 'pkcs8', format: 'pem' }))
  trial.keepSecret('private key', pem.split('\n')[1]?.slice(-24) ?? '')
  const written = keyForms[formOf(input)](key)
  if (typeof written !== 'string') return written
  return pemFile(input, trial, input.keyTwice ? [written, written] : [written])
}

async function certificateFile(
  input: Input,
  leaf: Buffer,
  trial: Trial,
  pool: CredentialPool,
): Promise<Buffer> {
  if (input.form === 'der') return leaf
  if (input.form === 'pkcs12') {
    const privateKey = pool.key(input.key).export({ type: 'pkcs8', format: 'der' })
    const above = await Promise.all(
      input.chain.flatMap((name) => (name === 'leaf' ? [] : [pool.authority(name)])),
    )
    return writePkcs12({ privateKey, certificates: [leaf, ...above], password: Buffer.alloc(0) })
  }
  const chain = await Promise.all(
    input.chain.map((name) => (name === 'leaf' ? Promise.resolve(leaf) : pool.authority(name))),
  )
  const all = [...chain.slice(0, input.leafAt), leaf, ...chain.slice(input.leafAt)]
  return pemFile(
    input,
    trial,
    all.map((der) => new X509Certificate(der).toString()),
  )
}

function pemFile(
  { junk: [top, between, bottom], ends }: Input,
  trial: Trial,
  objects: readonly string[],
): Buffer {
  const text = `${top}${objects.join(between)}${bottom}`
  const whole = ends === '' ? text.replace(/\n$/, '') : text.replaceAll('\n', ends)
  return trial.plantBytes(whole)
}

/** Not every key has every form. */
function formOf({ key, keyForm }: Pick<Input, 'key' | 'keyForm'>): KeyForm {
  const isRsa = key.startsWith('rsa')
  if (keyForm === 'pkcs1-pem' && !isRsa) return 'pkcs8-pem'
  if (keyForm === 'sec1-pem' && (isRsa || key === 'ed25519')) return 'pkcs8-pem'
  return keyForm === 'encrypted the old way' && key === 'ed25519' ? 'encrypted' : keyForm
}

/** What is known from outside; undefined for the rest. */
function expected(input: Input): 'accepted' | 'refused' | undefined {
  const { change, junk: pieces, flavour, owner, key, way, form, keyTwice, together } = input
  if (change || form === 'pkcs12') return undefined
  const keyForm = formOf(input)
  const isPem = keyForm !== 'pkcs8-der'
  if (key !== owner || /encrypted|public/.test(keyForm)) return 'refused'
  if (pieces.some((piece) => piece.startsWith('-----BEGIN ') && !piece.includes('END')))
    return undefined
  if (together && form === 'pem' && !isPem) return undefined
  if (keyTwice && isPem) return 'refused'
  if (way === 'files' && ['expired', 'not yet valid', 'year 1950'].includes(flavour))
    return 'refused'
  if (way !== 'adopt' && (flavour === 'SHA-1' || ['rsa1024', 'rsa512'].includes(owner)))
    return 'refused'
  const isUnder = flavour === 'below the root' ? ['root'] : ['root', 'issuing']
  const issuers = flavour === 'self-signed' || owner === 'rsa512' ? [] : isUnder
  const above = form === 'der' ? [] : input.chain.filter((name) => name !== 'leaf')
  if (above.some((name) => !issuers.includes(name))) return 'refused'
  return way === 'adopt' && !isGap(above) ? 'accepted' : undefined
}

/** The root without what lies between. */
function isGap(above: readonly string[]): boolean {
  return above.includes('root') && !above.includes('issuing')
}

async function judge(
  outcomes: readonly (Outcome | undefined)[],
): Promise<readonly (string | undefined)[]> {
  const taken = outcomes.flatMap((outcome, index) => (outcome ? [{ ...outcome, index }] : []))
  const verdicts: (string | undefined)[] = outcomes.map(() => undefined)
  if (taken.length === 0) return verdicts
  const seen = await pairsInOpenssl(taken.map(({ pair }) => pair))
  for (const [at, { made, index }] of (seen ? taken : []).entries()) {
    const pair = seen?.[at]
    if (!pair) verdicts[index] = 'openssl does not read what was accepted'
    else if (!pair.matches) verdicts[index] = 'openssl sees a certificate of another key'
    else if (pair.notAfter !== made.notAfter)
      verdicts[index] = `openssl sees it end ${pair.notAfter}`
  }
  return verdicts
}
