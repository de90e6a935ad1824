import { canReactivate } from '../model/lifecycle.ts'
import type { Rotation, Trigger } from '../model/rotation.ts'
import type { Replaced } from '../notices/outlook.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import type { KeyStore } from '../store/key-store.ts'

/** What took the place of another version, rather than giving one back or writing it again. */
const replacing: readonly Trigger[] = ['schedule', 'manual', 'import', 'compromise', 'recovery']

/** The newest success among them, and until when it can be undone. @param past newest first */
export function replacedIn(
  past: readonly Rotation[],
  { name, kind }: ManagedMaterial,
  keys: KeyStore,
): Replaced | undefined {
  for (const rotation of past) {
    const { from, to } = rotation.changes.find(({ material }) => material === name) ?? {}
    if (!isReplacement(rotation) || from === undefined || to === undefined) continue
    const before = keys.get(name, from)
    const isKept = before && canReactivate(before) && kind.madeBy === 'rekeyd'
    return {
      from,
      to,
      proved: rotation.result === 'succeeded',
      ...(isKept && before.keepUntil !== undefined && { undoUntil: before.keepUntil }),
    }
  }
  return undefined
}

function isReplacement({ result, trigger }: Rotation): boolean {
  return (result === 'succeeded' || result === 'applied_unproved') && replacing.includes(trigger)
}

/** Seconds from a consumer's stop, or from the verb, until it was ready again, the last time. */
export function lastDowntime(past: readonly Rotation[], consumer: string): number | undefined {
  for (const { steps } of past) {
    const own = steps.filter(({ subject }) => subject === consumer)
    const up = own.find(({ name, outcome }) => name === 'resume' && outcome === 'done')
    if (up?.ended === undefined) continue
    const down = own.find(({ name }) => name === 'quiesce') ?? up
    return (up.ended - down.started) / 1000
  }
  return undefined
}
