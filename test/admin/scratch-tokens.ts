import { type ApiToken, hashToken, makeToken } from '../../src/api-tokens/api-token.ts'

/** A token, and what a file holds of it; of scope read, and for long, unless it says otherwise. */
export function newToken(name: string, different: Partial<ApiToken> = {}) {
  const secret = String(makeToken().bytes)
  const token: ApiToken = {
    name,
    scope: 'read',
    sha256: hashToken(secret).toString('hex'),
    created: '2027-01-01T00:00:00Z',
    expires: '2099-01-01T00:00:00Z',
    ...different,
  }
  return { secret, token }
}
