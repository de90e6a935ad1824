import type { Rotation } from '../model/rotation.ts'
import { messageOf } from '../support/operator-error.ts'
import type { ManagedMaterial } from './managed.ts'
import type { EngineParts } from './outcome.ts'

/**
 * Ends a rotation without touching its targets: the configuration has changed, or a person takes over.
 * Whoever it had stopped is started.
 */
export async function closeUntouched(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  rotation: Rotation,
  reason: string,
): Promise<void> {
  const troubles = await startStopped(materials, rotation)
  close(parts, rotation, [reason, ...troubles].join('; '))
}

/** The same for whatever is open of one material: a person decides what is in use. */
export async function closeOpen(
  parts: EngineParts,
  materials: ReadonlyMap<string, ManagedMaterial>,
  name: string,
  reason: string,
): Promise<void> {
  for (const { rotation } of parts.journal.unfinished()) {
    if (!rotation.changes.some(({ material }) => material === name)) continue
    await closeUntouched(parts, materials, rotation, reason)
  }
}

/**
 * Ends a rotation in the journal alone. What it made is kept without end: nobody looked whether it is in use.
 */
export function close(parts: EngineParts, rotation: Rotation, detail: string): void {
  const { journal, keys, schedule, clock } = parts
  const versions = rotation.changes.flatMap(({ material, to }) =>
    to !== undefined && keys.get(material, to)?.state === 'prepared'
      ? [{ material, number: to, event: 'abandon' as const }]
      : [],
  )
  const schedules = rotation.changes.map(({ material }) => ({
    ...schedule.get(material),
    attention: detail,
  }))
  journal.finish(rotation.id, {
    result: 'needs_attention',
    detail,
    versions,
    schedules,
    now: clock.now(),
  })
}

/** @returns what went wrong, in words */
async function startStopped(
  materials: ReadonlyMap<string, ManagedMaterial>,
  { steps }: Rotation,
): Promise<readonly string[]> {
  const known = [...materials.values()].flatMap(({ consumers }) => consumers)
  const stopped = steps.flatMap(({ name, subject = '' }) => (name === 'quiesce' ? [subject] : []))
  const troubles: string[] = []
  for (const name of new Set(stopped)) {
    const managed = known.find((consumer) => consumer.name === name)
    if (managed) {
      const limit = AbortSignal.timeout(managed.timeouts.start)
      await managed.consumer
        .start(limit)
        .catch((error: unknown) => void troubles.push(messageOf(error)))
    } else troubles.push(`${name} was stopped and is no longer configured: start it`)
  }
  return troubles
}
