import { createCipheriv, createHash, createHmac, hkdfSync, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { explicit, integer, nothing, objectIdentifier, octetString, sequence, set } from './der.ts'
import { joinOffHeap, offHeap } from './off-heap.ts'

/** What goes into a container. */
export interface Pkcs12Contents {
  /** PKCS #8, DER. */
  readonly privateKey: Uint8Array
  /** DER, the one that belongs to the key first. */
  readonly certificates: readonly [Uint8Array, ...Uint8Array[]]
  /** ASCII; may be empty. */
  readonly password: Uint8Array
}

/** OpenSSL's own default. The password is seldom a secret of its own; who protects the key is the file's mode. */
const iterations = 2048
const oids = {
  data: '1.2.840.113549.1.7.1',
  certificateBag: '1.2.840.113549.1.12.10.1.3',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  localKeyId: '1.2.840.113549.1.9.21',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const
const deriveKey = promisify(pbkdf2)

/**
 * A PKCS #12 container (RFC 7292) as OpenSSL 3 writes it, for keys of any algorithm: key under PBES2 with
 * AES-256-CBC, certificates in clear, MAC with SHA-256. The same contents give the same bytes, so that what a
 * file holds can be compared with what it should hold: the salts are derived from the key instead of drawn.
 */
export async function writePkcs12(contents: Pkcs12Contents): Promise<Buffer> {
  const { privateKey, certificates, password } = contents
  const [leaf] = certificates
  const seed = { privateKey, context: joinOffHeap(leaf, password) }
  const keyId = localKeyId(leaf)
  const certificateBags = certificates.map((certificate, index) =>
    sequence(
      objectIdentifier(oids.certificateBag),
      explicit(
        sequence(objectIdentifier(oids.x509Certificate), explicit(octetString(certificate))),
      ),
      ...(index === 0 ? [keyId] : []),
    ),
  )
  const keyBag = sequence(
    objectIdentifier(oids.shroudedKeyBag),
    explicit(
      await encryptKey(privateKey, password, saltOf(seed, 'key', 16), saltOf(seed, 'iv', 16)),
    ),
    keyId,
  )
  const safe = sequence(dataContent(sequence(...certificateBags)), dataContent(sequence(keyBag)))
  return sequence(integer(3), dataContent(safe), mac(safe, password, saltOf(seed, 'mac', 16)))
}

function dataContent(content: Uint8Array): Buffer {
  return sequence(objectIdentifier(oids.data), explicit(octetString(content)))
}

/** Tells readers which certificate belongs to the key (PKCS #9, §5.5.2). */
function localKeyId(leaf: Uint8Array): Buffer {
  const id = createHash('sha1').update(leaf).digest()
  return set(sequence(objectIdentifier(oids.localKeyId), set(octetString(id))))
}

/** Different contents never share a salt or an IV; nobody learns the key from them. */
function saltOf(
  { privateKey, context }: { privateKey: Uint8Array; context: Uint8Array },
  purpose: string,
  length: number,
): Buffer {
  const info = `rekeyd pkcs12 ${purpose}`
  return Buffer.from(
    hkdfSync('sha256', privateKey, createHash('sha256').update(context).digest(), info, length),
  )
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3) with PBES2 (RFC 8018 §6.2). */
async function encryptKey(
  privateKey: Uint8Array,
  password: Uint8Array,
  salt: Buffer,
  iv: Buffer,
): Promise<Buffer> {
  const key = await deriveKey(password, salt, iterations, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const encrypted = Buffer.concat([cipher.update(privateKey), cipher.final()])
  key.fill(0)
  const derivation = sequence(
    octetString(salt),
    integer(iterations),
    sequence(objectIdentifier(oids.hmacSha256), nothing()),
  )
  const parameters = sequence(
    sequence(objectIdentifier(oids.pbkdf2), derivation),
    sequence(objectIdentifier(oids.aes256Cbc), octetString(iv)),
  )
  return sequence(sequence(objectIdentifier(oids.pbes2), parameters), octetString(encrypted))
}

function mac(content: Uint8Array, password: Uint8Array, salt: Buffer): Buffer {
  const key = macKey(password, salt)
  const digest = createHmac('sha256', key).update(content).digest()
  key.fill(0)
  return sequence(
    sequence(sequence(objectIdentifier(oids.sha256), nothing()), octetString(digest)),
    octetString(salt),
    integer(iterations),
  )
}

/** The key derivation of RFC 7292 §B.2 for a MAC (ID 3), where one output of SHA-256 is enough. */
function macKey(password: Uint8Array, salt: Buffer): Buffer {
  // BMPString with a NUL at the end.
  const text = offHeap(2 * password.length + 2)
  for (const [index, character] of password.entries()) text[2 * index + 1] = character
  let key = createHash('sha256')
    .update(Buffer.alloc(64, 3))
    .update(fillBlocks(salt))
    .update(fillBlocks(text))
    .digest()
  text.fill(0)
  for (let round = 1; round < iterations; round++) key = createHash('sha256').update(key).digest()
  return key
}

/** `bytes` repeated up to a whole number of 64-byte blocks. */
function fillBlocks(bytes: Buffer): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / 64) * 64, bytes)
}
