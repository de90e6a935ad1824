import type { Made } from '../materials/kind.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Version } from '../model/version.ts'
import { adoptable, wipe } from '../rotation/adoption.ts'
import { isMadeHere, type ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'
import { fingerprintOf } from './passing-fingerprint.ts'

/** What would be adopted, as if it were version 1. */
interface Foreseen {
  readonly version: Version
  readonly made: Made
}

/**
 * The versions of a store as they would be after the next start: what it has, and what it would adopt. So the
 * doctor can ask, before there is a store at all, whether a database opens with the key that is in use. Nothing can be
 * written through it.
 */
export class ForeseenKeys implements KeyStore {
  readonly #store: KeyStore | undefined
  readonly #foreseen = new Map<string, Foreseen>()

  /** @param store absent where there is none yet */
  constructor(store?: KeyStore) {
    this.#store = store
  }

  /** Looks at what the targets of materials hold that the store does not know. What cannot be read is not foreseen. */
  async look(materials: readonly ManagedMaterial[], now: number): Promise<void> {
    // A row in a database is read with a key that may itself be foreseen only in the first round.
    for (let round = 0; round < 2; round += 1) {
      for (const material of materials) {
        if (!isMadeHere(material) || this.active(material.name)) continue
        const made = await adoptable(material, this).catch(() => undefined)
        if (made)
          this.#foreseen.set(material.name, {
            made,
            version: this.#versionOf(material.name, made, now),
          })
      }
    }
  }

  /** Overwrites the bytes that were read. */
  wipe(): void {
    for (const { made } of this.#foreseen.values()) wipe(made)
    this.#foreseen.clear()
  }

  get(material: string, number: number) {
    const foreseen = this.#foreseen.get(material)?.version
    return (
      this.#store?.get(material, number) ?? (foreseen?.number === number ? foreseen : undefined)
    )
  }

  active(material: string) {
    return this.#store?.active(material) ?? this.#foreseen.get(material)?.version
  }

  list(material: string) {
    const foreseen = this.#foreseen.get(material)?.version
    return [...(foreseen ? [foreseen] : []), ...(this.#store?.list(material) ?? [])]
  }

  materials() {
    return [...new Set([...(this.#store?.materials() ?? []), ...this.#foreseen.keys()])]
  }

  secret(material: string, number: number) {
    const foreseen = this.#foreseen.get(material)
    if (foreseen?.version.number === number) return copyOf(foreseen.made)
    if (this.#store) return this.#store.secret(material, number)
    throw new RangeError(`there is no version ${number} of ${material}`)
  }

  request(material: string) {
    return this.#store?.request(material)
  }

  fingerprint(parts: Made['parts']): string {
    return this.#store?.fingerprint(parts) ?? fingerprintOf(parts)
  }

  put = refuse
  revealed = refuse
  change = refuse
  compromise = refuse
  destroy = refuse
  setRequest = refuse

  /** A number that no version of the store has. */
  #versionOf(
    material: string,
    { fingerprint, attributes, notBefore, notAfter, parts }: Made,
    now: number,
  ): Version {
    const numbers = this.list(material).map(({ number }) => number)
    return {
      material,
      number: Math.max(0, ...numbers) + 1,
      state: 'active',
      compromised: false,
      origin: 'adopted',
      fingerprint: fingerprint ?? this.fingerprint(parts),
      attributes,
      createdAt: now,
      activeSince: now,
      ...(notBefore !== undefined && { notBefore }),
      ...(notAfter !== undefined && { notAfter }),
    }
  }
}

function copyOf({ parts }: Made): Made['parts'] {
  const copies = Object.entries(parts).map(
    ([name, { bytes }]) => [name, SecretBytes.copyOf(bytes)] as const,
  )
  return Object.fromEntries(copies)
}

function refuse(): never {
  throw new RangeError('what is only foreseen cannot be changed')
}
