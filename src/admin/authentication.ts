import { timingSafeEqual } from 'node:crypto'
import { type ApiToken, hashToken, isExpired } from '../api-tokens/api-token.ts'
import { parseTokens, readTokenBytes } from '../api-tokens/token-file.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf } from '../support/operator-error.ts'
import type { Log } from './problem.ts'

/** Who asks, or why that is not known. */
export type Authentication =
  | { readonly token: ApiToken }
  | { readonly refused: 'missing' | 'unknown' | 'expired' | 'unreadable' }

interface Known {
  readonly token: ApiToken
  readonly hash: Buffer
}

/** RFC 6750 §2.1; no token of ours is longer. */
const bearerPattern = /^Bearer +([\x21-\x7e]{1,200})$/i

/** Checks tokens against a file of them, as the file is at that moment. */
export interface Authenticator {
  /** By an `Authorization` header. */
  readonly byHeader: (authorization: string | undefined) => Promise<Authentication>
  /** By what {@link hashToken} makes of a token. */
  readonly byHash: (hash: Buffer) => Promise<Authentication>
}

/**
 * A token that was revoked is refused from the next request on. A file that cannot be read or believed lets
 * nobody in.
 */
export function authenticator(path: string, clock: Clock, log: Log): Authenticator {
  const read = tokenReader(path, log)
  async function byHash(hash: Buffer): Promise<Authentication> {
    const known = await read()
    if (!known) return { refused: 'unreadable' }
    const token = find(known, hash)
    if (!token) return { refused: 'unknown' }
    return isExpired(token, clock.now()) ? { refused: 'expired' } : { token }
  }
  return {
    byHash,
    async byHeader(authorization) {
      const [, sent] = bearerPattern.exec(authorization ?? '') ?? []
      return sent === undefined ? { refused: 'missing' } : byHash(hashToken(sent))
    },
  }
}

/** Compares with every token, each in constant time: how long it takes says nothing about any of them. */
function find(known: readonly Known[], sent: Buffer): ApiToken | undefined {
  let found: ApiToken | undefined
  for (const { token, hash } of known) if (timingSafeEqual(hash, sent)) found = token
  return found
}

/** Parses the file again only when its bytes changed; undefined where they are no tokens. */
function tokenReader(path: string, log: Log): () => Promise<readonly Known[] | undefined> {
  let last: { readonly bytes: Buffer; readonly parsed: Promise<readonly Known[]> } | undefined
  let told: string | undefined
  return async () => {
    try {
      const bytes = readTokenBytes(path) ?? noTokens
      if (!last?.bytes.equals(bytes)) last = { bytes, parsed: parse(path, bytes) }
      const known = await last.parsed
      told = undefined
      return known
    } catch (error) {
      const reason = messageOf(error)
      if (reason !== told) log.error('no API token is accepted: their file is refused', { reason })
      told = reason
      return undefined
    }
  }
}

const noTokens = Buffer.from('tokens: {}')

async function parse(path: string, bytes: Buffer): Promise<readonly Known[]> {
  const tokens = await parseTokens(path, bytes)
  return tokens.map((token) => ({ token, hash: Buffer.from(token.sha256, 'hex') }))
}
