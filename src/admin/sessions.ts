import { createHash, randomBytes } from 'node:crypto'
import type { ApiToken } from '../api-tokens/api-token.ts'
import type { Clock } from '../support/clock.ts'

/** Milliseconds without a request after which one ends, and the longest that one lasts. */
const idle = 3_600_000
const longest = 12 * 3_600_000
/** The one used longest ago makes room. */
const most = 64

/** A browser that signed in. It lasts no longer than the token, which is asked for at every request. */
export interface Session {
  /** Of the token that was shown. */
  readonly sha256: string
  /** What only a page of ours can know, beside the cookie that the browser sends by itself. */
  readonly csrf: string
}

interface Open extends Session {
  readonly opened: number
  used: number
}

/** Sessions, by the hash of what the cookie holds. In memory only: none survives a restart. */
export class Sessions {
  readonly #clock: Clock
  /** Those used longest ago come first. */
  readonly #open = new Map<string, Open>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns what the cookie is to hold: 256 random bits as base64url */
  open({ sha256 }: Pick<ApiToken, 'sha256'>): string {
    const secret = random()
    const now = this.#clock.sinceBoot()
    this.#drop()
    const [oldest] = this.#open.keys()
    if (oldest !== undefined && this.#open.size >= most) this.#open.delete(oldest)
    this.#open.set(keyOf(secret), { sha256, csrf: random(), opened: now, used: now })
    return secret
  }

  /** The session of a cookie, which is used by that. */
  use(secret: string): Session | undefined {
    const key = keyOf(secret)
    this.#drop()
    const session = this.#open.get(key)
    if (!session) return undefined
    session.used = this.#clock.sinceBoot()
    this.#open.delete(key)
    this.#open.set(key, session)
    return session
  }

  isOpen(session: Session): boolean {
    this.#drop()
    return [...this.#open.values()].some((open) => open === session)
  }

  close(session: Session): void {
    for (const [key, open] of this.#open) if (open === session) this.#open.delete(key)
  }

  /** Forgets those that have ended. */
  #drop(): void {
    const now = this.#clock.sinceBoot()
    for (const [key, { opened, used }] of this.#open) {
      if (now - used >= idle || now - opened >= longest) this.#open.delete(key)
    }
  }
}

function random(): string {
  return randomBytes(32).toString('base64url')
}

function keyOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
