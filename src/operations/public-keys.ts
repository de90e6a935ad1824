import { createPublicKey, type JsonWebKey } from 'node:crypto'
import type { Kind, MadeHere, Part } from '../materials/kind.ts'
import type { Format } from '../model/material.ts'
import type { Version } from '../model/version.ts'
import { editionOf } from '../rotation/edition.ts'
import type { KeyStore } from '../store/key-store.ts'
import type { ScheduleState } from '../store/schedule-state.ts'
import { instants } from './material-view.ts'

/** A version as anybody may see it. Times are RFC 3339 UTC. */
interface PublicVersionView {
  readonly version: number
  /** 16 hex digits: the field's key id, or the start of the fingerprint. */
  readonly key_id: string
  readonly fingerprint: string
  /** Public parts by name, as text: base64url where the part has that, else PEM. */
  readonly parts: Readonly<Record<string, string>>
  /** RFC 7517, where the public part is a key. */
  readonly jwk?: JsonWebKey
  /** Leaked: do not trust it, although it is still in use. */
  readonly compromised?: true
  readonly active_since?: string
  readonly not_before?: string
  readonly not_after?: string
  /** When an announced one is expected to be in use. */
  readonly expected?: string
  /** Until when a retiring one may still be used. */
  readonly until?: string
}

/** What clients of a material's consumer need to know. */
export interface PublicView {
  readonly schema_version: 1
  readonly name: string
  readonly kind: string
  readonly current?: PublicVersionView
  readonly announced: readonly PublicVersionView[]
  readonly retiring: readonly PublicVersionView[]
}

/** A material whose public parts are for everybody. */
export interface PublicMaterial {
  readonly name: string
  /** As the configuration calls it. */
  readonly type: string
  readonly kind: Kind
}

interface PublicKeysParts {
  readonly keys: Pick<KeyStore, 'list' | 'secret'>
  readonly schedule: Pick<ScheduleState, 'get'>
  readonly materials: readonly PublicMaterial[]
}

type Rendered = Pick<PublicVersionView, 'parts' | 'jwk'>

/** The public parts of what the configuration says is `public`, and of nothing else. */
export class PublicKeys {
  readonly #parts: PublicKeysParts
  readonly #materials: ReadonlyMap<string, PublicMaterial>
  /** A version never changes its parts; unsealing it for every client would be a waste. */
  readonly #rendered = new Map<string, Promise<Rendered>>()

  constructor(parts: PublicKeysParts) {
    this.#parts = parts
    this.#materials = new Map(parts.materials.map((material) => [material.name, material]))
  }

  /** @returns undefined for what does not exist and for what is not public: nobody can tell which */
  async of(name: string): Promise<PublicView | undefined> {
    const material = this.#materials.get(name)
    if (!material) return undefined
    const versions = this.#parts.keys.list(name)
    const views = async (state: Version['state']) =>
      Promise.all(
        versions
          .filter((one) => one.state === state && (state === 'active' || !one.compromised))
          .map((one) => this.#view(material, one)),
      )
    const [[current], announced, retiring] = await Promise.all([
      views('active'),
      views('prepared'),
      views('retiring'),
    ])
    const { type: kind } = material
    return { schema_version: 1, name, kind, ...(current && { current }), announced, retiring }
  }

  async #view(material: PublicMaterial, version: Version): Promise<PublicVersionView> {
    const { number, fingerprint, attributes, state } = version
    const { due } = this.#parts.schedule.get(material.name)
    const keyId = attributes['key_id'] ?? fingerprint.replace(/^sha256:/, '').slice(0, 16)
    const { parts, jwk } = await this.#render(material, version)
    return {
      version: number,
      key_id: keyId,
      fingerprint,
      parts,
      ...(jwk && { jwk: { ...jwk, kid: keyId } }),
      ...(version.compromised && { compromised: true }),
      ...instants({
        active_since: version.activeSince,
        not_before: version.notBefore,
        not_after: version.notAfter,
        expected: state === 'prepared' ? due : undefined,
        until: state === 'retiring' ? version.overlapUntil : undefined,
      }),
    }
  }

  #render({ name, kind }: PublicMaterial, version: Version): Promise<Rendered> {
    // What a consumer makes is known by its public value only, which is its fingerprint.
    if (kind.madeBy === 'consumer')
      return Promise.resolve({ parts: { value: version.fingerprint } })
    const key = `${name} ${version.number}`
    const known = this.#rendered.get(key) ?? render(this.#parts.keys, kind, version)
    this.#rendered.set(key, known)
    known.catch(() => this.#rendered.delete(key))
    return known
  }
}

async function render(
  keys: Pick<KeyStore, 'secret'>,
  kind: MadeHere,
  version: Version,
): Promise<Rendered> {
  const edition = editionOf(keys, kind, version)
  const parts: Record<string, string> = {}
  for (const [name, part] of Object.entries(kind.parts)) {
    if (part.public !== true) continue
    // A certificate may have no chain, a certificate of one's own no CA.
    const bytes = await edition.bytes(name, textual(part)).catch(() => undefined)
    if (bytes) parts[name] = bytes.bytes.toString('utf8')
  }
  const key = kind.parts['public_key']
  if (!key?.public) return { parts }
  const pem = await edition.bytes('public_key', 'pem')
  return { parts, jwk: jwkOf(createPublicKey(pem.bytes)) }
}

function textual({ formats }: Part): Format {
  return formats.find((format) => format === 'base64url' || format === 'pem') ?? formats[0]
}

/** For signatures; `alg` only where the key alone does not say it (RFC 7518 §3.4, RFC 9864 §2). */
function jwkOf(key: ReturnType<typeof createPublicKey>): JsonWebKey {
  const jwk = key.export({ format: 'jwk' })
  return { ...jwk, use: 'sig', ...(jwk.crv === 'P-256' && { alg: 'ES256' }) }
}
