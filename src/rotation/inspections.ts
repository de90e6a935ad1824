import { type Inspected, inspectMaterial } from './inspection.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'
import { type Drift, driftOf } from './reconcile.ts'

/** Remembers what each material's targets were last seen to hold, and tells when drift comes and goes. */
export class Inspections {
  readonly #parts: EngineParts
  readonly #last = new Map<string, { inspected: readonly Inspected[]; drift: readonly Drift[] }>()

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /** Looks at the targets now. */
  async look(material: ManagedMaterial): Promise<readonly Inspected[]> {
    const inspected = await inspectMaterial(material, this.#parts.keys)
    this.note(material.name, inspected)
    return inspected
  }

  /** Looks in passing: what a rotation is changing meanwhile is nobody's drift, and is not taken note of. */
  async glance(material: ManagedMaterial, isRotating: () => boolean): Promise<void> {
    const { keys } = this.#parts
    const before = keys.active(material.name)?.number
    if (isRotating()) return
    const inspected = await inspectMaterial(material, keys)
    if (!isRotating() && keys.active(material.name)?.number === before) {
      this.note(material.name, inspected)
    }
  }

  /** Takes a look that somebody else had. */
  note(name: string, inspected: readonly Inspected[]): void {
    const before = this.drift(name)
    const now = driftOf(this.#parts.keys.active(name), inspected)
    this.#last.set(name, { inspected, drift: now })
    this.#tell(name, without(now, before), true)
    this.#tell(name, without(before, now), false)
  }

  /** What the last look found. */
  last(name: string): readonly Inspected[] {
    return this.#last.get(name)?.inspected ?? []
  }

  /** As of the last look: a rotation that has just ended is no drift. */
  drift(name: string): readonly Drift[] {
    return this.#last.get(name)?.drift ?? []
  }

  #tell(material: string, drift: readonly Drift[], found: boolean): void {
    const { events, clock } = this.#parts
    for (const { where, place } of drift) {
      events.emit('drift', clock.now(), { material, where, place, found })
    }
  }
}

function without(some: readonly Drift[], others: readonly Drift[]): readonly Drift[] {
  return some.filter(({ place }) => !others.some((other) => other.place === place))
}
