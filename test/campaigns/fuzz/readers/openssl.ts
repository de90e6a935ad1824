import { runReader, withFiles } from './run-reader.ts'

/** What OpenSSL sees in a certificate and the private key beside it. */
export interface SeenPair {
  readonly matches: boolean
  /** Epoch milliseconds. */
  readonly notAfter: number
}

/**
 * Has one process read many pairs, PEM each.
 * @returns for each pair what it sees, undefined where it does not read it; nothing where there is no OpenSSL
 */
export async function pairsInOpenssl(
  pairs: readonly Buffer[],
): Promise<readonly (SeenPair | undefined)[] | undefined> {
  const seen = await see(pairs).catch(() => undefined)
  if (!seen || seen.length === pairs.length || pairs.length === 1) return seen
  // One that it does not read ends its reading: each alone then.
  const alone: (SeenPair | undefined)[] = []
  for (const pair of pairs) alone.push((await see([pair]))[0])
  return alone
}

async function see(pairs: readonly Buffer[]): Promise<readonly SeenPair[]> {
  return withFiles([Buffer.concat(pairs)], async (_, [path = '']) => {
    const { stdout } = await runReader(['openssl', 'storeutl', '-noout', '-text', path])
    const objects = stdout
      .toString('latin1')
      .split(/^\d+: (?:Certificate|Pkey)$/m)
      .slice(1)
    return Array.from({ length: objects.length >> 1 }, (_one, index) => {
      const [certificate = '', key = ''] = objects.slice(2 * index)
      const [, end = ''] = /Not After : (.*)$/m.exec(certificate) ?? []
      return {
        matches: publicPart(certificate) === publicPart(key) && publicPart(key) !== '',
        notAfter: Date.parse(end),
      }
    })
  })
}

/** The point of an elliptic curve, or the modulus of RSA, in hex. */
function publicPart(text: string): string {
  const [, digits = ''] = /^ *(?:pub|[Mm]odulus):\n((?: +[0-9a-f:]+\n)+)/m.exec(text) ?? []
  return digits.replaceAll(/[\s:]/g, '')
}
