/**
 * `__Host-`: the browser takes it from this host only, over TLS or, where that is this machine itself, without
 * (RFC 6265bis §4.1.3.2). It never goes along with a request of another site, and no script can read it.
 */
const name = '__Host-rekeyd'
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict'

/** A `Set-Cookie` header that begins a session. */
export function beginCookie(secret: string): string {
  return `${name}=${secret}; ${attributes}`
}

/** A `Set-Cookie` header that ends it. */
export const endCookie = `${name}=; ${attributes}; Max-Age=0`

/** What our cookie in a `Cookie` header holds; nothing where there is none, or more than one. */
export function readCookie(header: string | undefined): string | undefined {
  const found = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  const [only = ''] = found.length === 1 ? found : []
  const secret = only.slice(name.length + 1)
  return /^[\w-]{43}$/.test(secret) ? secret : undefined
}
