import type { MadeByConsumer, Observation } from '../materials/kind.ts'
import type { Version } from '../model/version.ts'
import type { Actor } from '../store/key-store.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'

/** Takes note of what the consumer uses: a value not seen before is a new version, never drift. */
export async function noteObserved(
  parts: EngineParts,
  material: ManagedMaterial<MadeByConsumer>,
  actor: Actor,
  signal: AbortSignal,
): Promise<boolean> {
  const seen = await material.kind.observe(signal)
  const active = parts.keys.active(material.name)
  if (!seen || active?.fingerprint === seen.value) return false
  const version = putObserved(parts, material.name, seen, actor)
  const { name, keep } = material
  const now = parts.clock.now()
  const withdrawn = { event: 'withdraw' as const, keepUntil: now + keep }
  parts.keys.change(
    [
      ...(active ? [{ material: name, number: active.number, ...withdrawn }] : []),
      { material: name, number: version.number, event: 'activate' },
    ],
    actor,
  )
  parts.schedule.set({ ...parts.schedule.get(material.name), lastRotation: now })
  noteKnownLeak(parts, version, actor)
  const current = parts.keys.get(material.name, version.number) ?? version
  parts.events.emit('version.active', now, { version: current })
  return true
}

/** A consumer that was restored from a backup uses again what had leaked: it is due at once. */
function noteKnownLeak(
  { keys }: EngineParts,
  { material, number, fingerprint }: Version,
  actor: Actor,
): void {
  const isLeak = (one: Version) => one.compromised && one.fingerprint === fingerprint
  if (keys.list(material).some(isLeak)) keys.compromise(material, [number], actor)
}

/** A crash between here and `finish` must not make a second version of the same value. */
export function putObserved(parts: EngineParts, material: string, seen: Observation, actor: Actor) {
  const known = parts.keys
    .list(material)
    .find(({ state, fingerprint }) => state === 'prepared' && fingerprint === seen.value)
  const { value: fingerprint, attributes } = seen
  const version = { material, origin: 'adopted' as const, parts: {}, fingerprint, attributes }
  return known ?? parts.keys.put(version, 'prepared', actor)
}
