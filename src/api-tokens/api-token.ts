import { createHash, randomFillSync } from 'node:crypto'
import { z } from 'zod'
import { encodeBase64 } from '../formats/base64.ts'
import { joinOffHeap, offHeap } from '../formats/off-heap.ts'
import { SecretBytes } from '../model/secret-bytes.ts'

/** What a token may do, from least to most: each scope has those before it. */
export const scopes = ['read', 'rotate', 'admin'] as const
export type Scope = (typeof scopes)[number]

/** Whether a token of scope `held` may do what needs `needed`. */
export function allows(held: Scope, needed: Scope): boolean {
  return scopes.indexOf(held) >= scopes.indexOf(needed)
}

const timeSchema = z.iso.datetime('is no time such as 2027-01-15T08:00:00Z')

/** A token as the file of tokens has it, by its name. Times are RFC 3339 UTC. */
export const tokenSchema = z.strictObject({
  scope: z.enum(scopes, `is none of ${scopes.join(', ')}`),
  /**
   * Of the whole token, as hex. A plain hash, without salt or stretching: those slow down guessing, and 256
   * random bits are not guessed at any speed.
   */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256 as hex'),
  created: timeSchema,
  expires: timeSchema,
})

export type ApiToken = z.infer<typeof tokenSchema> & { readonly name: string }

/** What every token begins with, so that scanners for leaked secrets know it. */
const prefix = Buffer.from('rekeyd_', 'latin1')
const randomBytes = 32

/** A new token: `rekeyd_` and 256 random bits as base64url. */
export function makeToken(): SecretBytes {
  const random = randomFillSync(offHeap(randomBytes))
  const text = encodeBase64(random, 'base64url')
  const token = SecretBytes.take(joinOffHeap(prefix, text))
  random.fill(0)
  text.fill(0)
  return token
}

/** SHA-256 of a token, made or presented. */
export function hashToken(token: Uint8Array | string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** Whether it has ended. A clock that says nothing sensible ends it, too. @param now epoch milliseconds */
export function isExpired({ expires }: ApiToken, now: number): boolean {
  return !(now < Date.parse(expires))
}
