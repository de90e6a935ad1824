import type * as forgeLibrary from 'node-forge'
import type { asn1, pkcs12 } from 'node-forge'

/** What a container holds, DER each; keys in PKCS #8. The caller wipes the keys. */
export interface Pkcs12Entries {
  readonly privateKeys: readonly Buffer[]
  readonly certificates: readonly Buffer[]
}

type Forge = typeof forgeLibrary

/** Some ten times what any program writes; more would hold up the daemon for seconds. */
const mostIterations = 1_000_000

/**
 * Reads a PKCS #12 container, also one in the old encryption (RC2, 3DES) that OpenSSL 3 no longer opens.
 * @param password ASCII; may be empty
 * @returns undefined if `bytes` are no such container, are damaged, or the password is another one
 */
export async function readPkcs12(
  bytes: Uint8Array,
  password: string,
): Promise<Pkcs12Entries | undefined> {
  const { default: forge } = await import('node-forge')
  try {
    const root = forge.asn1.fromDer(Buffer.from(bytes).toString('latin1'))
    if (!isAffordable(forge, root)) return undefined
    const { safeContents } = forge.pkcs12.pkcs12FromAsn1(root, false, password)
    const bags = safeContents.flatMap(({ safeBags }) => safeBags)
    const ofType = (...types: (string | undefined)[]) =>
      bags.filter(({ type }) => types.includes(type))
    const { oids } = forge.pki
    return {
      privateKeys: ofType(oids['keyBag'], oids['pkcs8ShroudedKeyBag']).map((bag) =>
        keyOf(forge, bag),
      ),
      certificates: ofType(oids['certBag']).map((bag) => certificateOf(forge, bag)),
    }
  } catch {
    // forge's errors may hold parsed input
    return undefined
  }
}

function keyOf(forge: Forge, { key, asn1 }: pkcs12.Bag): Buffer {
  const info = key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)) : asn1
  return Buffer.from(forge.asn1.toDer(info).getBytes(), 'latin1')
}

function certificateOf(forge: Forge, { cert, asn1 }: pkcs12.Bag): Buffer {
  const certificate = cert ? forge.pki.certificateToAsn1(cert) : asn1
  return Buffer.from(forge.asn1.toDer(certificate).getBytes(), 'latin1')
}

/** Whether no salt (an octet string) is followed by an iteration count beyond the limit, at any depth. */
function isAffordable(forge: Forge, node: asn1.Asn1): boolean {
  const children = childrenOf(forge, node)
  return children.every((child, index) => {
    const followsSalt = children[index - 1]?.type === forge.asn1.Type.OCTETSTRING
    return !(followsSalt && isExcessive(forge, child)) && isAffordable(forge, child)
  })
}

function isExcessive(forge: Forge, { type, value }: asn1.Asn1): boolean {
  if (type !== forge.asn1.Type.INTEGER || typeof value !== 'string') return false
  return Number(`0x${Buffer.from(value, 'latin1').toString('hex')}`) > mostIterations
}

/** Octet strings hold further elements here, or just bytes. */
function childrenOf(forge: Forge, { type, value }: asn1.Asn1): asn1.Asn1[] {
  if (typeof value !== 'string') return value
  if (type !== forge.asn1.Type.OCTETSTRING) return []
  try {
    return [forge.asn1.fromDer(value)]
  } catch {
    return []
  }
}
