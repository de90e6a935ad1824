import type { MadeByConsumer, Observation } from '../materials/kind.ts'
import type { RotationResult, Trigger } from '../model/rotation.ts'
import type { Version } from '../model/version.ts'
import type { Unfinished } from '../store/journal.ts'
import type { Actor, VersionChange } from '../store/key-store.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { newVersion, wipe } from './adoption.ts'
import { announceStart } from './attempt.ts'
import type { ManagedMaterial } from './managed.ts'
import { putObserved } from './observed.ts'
import type { EngineParts } from './outcome.ts'
import { awaitReady } from './proof.ts'
import { Steps } from './steps.ts'
import { Parked } from './walk.ts'

type Provoked = ManagedMaterial<MadeByConsumer>

/** Between two looks at the consumer, and how long a changed value is waited for. */
const pause = 500
const deadline = 120_000
const mostTries = 3

/**
 * A material that its consumer makes: archive → quiesce → provoke → resume → observe → finish. It never
 * goes back: what is gone is gone, and without a changed value a person is needed.
 */
export async function provokeNext(
  parts: EngineParts,
  material: Provoked,
  order: { readonly trigger: Trigger; readonly actor: Actor },
  park: AbortSignal,
  begun: (id: string) => void,
): Promise<string> {
  if (!material.kind.provoke) {
    throw new OperatorError(`${material.name} is only watched: its consumer rotates it`, {
      kind: 'refused',
      hint: 'configure a trigger or a reset to rotate it from here',
    })
  }
  park.throwIfAborted()
  for (const { consumer } of material.consumers) await consumer.check(park)
  const before = await material.kind.observe(park)
  const from = parts.keys.active(material.name)
  const member = { material: material.name, ...(from && { from: from.number }) }
  const observed = before?.value ?? ''
  park.throwIfAborted()
  const now = parts.clock.now()
  const { rotation } = parts.journal.begin({ ...order, members: [{ ...member, observed }], now })
  begun(rotation.id)
  announceStart(parts, rotation.id)
  const steps = new Steps(parts, rotation.id)
  await carryOut(
    parts,
    material,
    { id: rotation.id, ...order, observed, archived: false, steps },
    park,
  )
  return rotation.id
}

/** Observes first: provoking again is right only while the value is unchanged. */
export async function recoverProvoked(
  parts: EngineParts,
  material: Provoked,
  { rotation, observed }: Unfinished,
  park: AbortSignal,
): Promise<void> {
  const steps = new Steps(parts, rotation.id)
  steps.recall(rotation.steps)
  const undertaking: Undertaking = {
    id: rotation.id,
    trigger: rotation.trigger,
    actor: { who: 'recovery' },
    observed: observed[material.name] ?? '',
    archived: rotation.steps.some(({ name, outcome }) => name === 'archive' && outcome === 'done'),
    steps,
  }
  if (material.kind.offline) await resume(parts, material, steps).catch(() => {})
  const seen = await material.kind.observe(park).catch(() => undefined)
  if (seen && seen.value !== undertaking.observed)
    return succeed(parts, material, undertaking, seen)
  if (parts.journal.again(rotation.id) > mostTries) {
    return end(parts, material, undertaking, 'needs_attention', 'interrupted too often')
  }
  return carryOut(parts, material, undertaking, park)
}

interface Undertaking {
  readonly id: string
  readonly trigger: Trigger
  readonly actor: Actor
  /** The value before; empty when there was none. */
  readonly observed: string
  /** What there was is kept already. */
  readonly archived: boolean
  readonly steps: Steps
}

async function carryOut(
  parts: EngineParts,
  material: Provoked,
  undertaking: Undertaking,
  park: AbortSignal,
): Promise<void> {
  const { kind } = material
  const { steps, observed } = undertaking
  let failure: unknown
  try {
    if (!undertaking.archived) {
      await steps.take('archive', undefined, () => keepOld(parts, material, undertaking))
    }
    if (kind.offline) await stopAll(material, steps)
    const signal = AbortSignal.timeout(deadline)
    await steps.take('provoke', undefined, async () => kind.provoke?.(signal))
  } catch (error) {
    failure = error
  }
  if (kind.offline) {
    await resume(parts, material, steps).catch((error: unknown) => void (failure ??= error))
  }
  if (failure !== undefined) {
    const result = steps.begun('provoke') ? 'needs_attention' : 'failed'
    return end(parts, material, undertaking, result, messageOf(failure))
  }
  const seen = await steps
    .take('observe', undefined, () => awaitChange(parts, material, observed, park))
    .catch((error: unknown) => messageOf(error))
  if (park.aborted) throw new Parked('rekeyd is stopping')
  if (typeof seen === 'string') return end(parts, material, undertaking, 'needs_attention', seen)
  return succeed(parts, material, undertaking, seen)
}

/** What there is, sealed, before it is destroyed; its public part stays readable as a plain file. */
async function keepOld(
  parts: EngineParts,
  material: Provoked,
  { actor }: Undertaking,
): Promise<void> {
  const old = await material.kind.archive?.(AbortSignal.timeout(deadline))
  if (!old) return
  const { name } = material
  try {
    const { number } = parts.keys.put(newVersion(name, old, 'adopted'), 'prepared', actor)
    const keepUntil = parts.clock.now() + material.keep
    parts.keys.change([{ material: name, number, event: 'abandon', keepUntil }], actor)
    const publicKey = old.parts['public_key']
    if (publicKey) await parts.archive(name, number, 'public_key', publicKey.bytes)
  } finally {
    wipe(old)
  }
}

async function stopAll({ consumers }: Provoked, steps: Steps): Promise<void> {
  for (const { name, consumer, timeouts } of consumers) {
    await steps.take('quiesce', name, () => consumer.stop(AbortSignal.timeout(timeouts.stop)))
  }
}

/** Everybody is resumed, also when an earlier one failed to come up. */
async function resume(parts: EngineParts, { consumers }: Provoked, steps: Steps): Promise<void> {
  const failures: unknown[] = []
  for (const managed of consumers) {
    const start = async () => {
      await managed.consumer.start(AbortSignal.timeout(managed.timeouts.start))
      await awaitReady(managed, parts.clock, AbortSignal.timeout(managed.timeouts.ready + 60_000))
    }
    await steps
      .take('resume', managed.name, start)
      .catch((error: unknown) => void failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
}

async function awaitChange(
  { clock }: EngineParts,
  { name, kind }: Provoked,
  before: string,
  park: AbortSignal,
): Promise<Observation> {
  const start = clock.sinceBoot()
  let trouble = 'its value did not change'
  while (clock.sinceBoot() - start < deadline) {
    park.throwIfAborted()
    try {
      const seen = await kind.observe(AbortSignal.timeout(30_000))
      if (seen && seen.value !== before) return seen
    } catch (error) {
      trouble = messageOf(error)
    }
    await clock.sleep(pause, park)
  }
  throw new OperatorError(`no new ${name} was seen within ${deadline / 1000} s: ${trouble}`)
}

function succeed(
  parts: EngineParts,
  material: Provoked,
  undertaking: Undertaking,
  seen: Observation,
): void {
  putObserved(parts, material.name, seen, undertaking.actor)
  end(parts, material, undertaking, 'succeeded', undefined, seen.value)
}

/** From what was active to `next`; what a crash in the middle of archiving left prepared is given up. */
function changesTo(
  next: Version | undefined,
  versions: readonly Version[],
  keepUntil: number,
): readonly VersionChange[] {
  return versions.flatMap((version): readonly VersionChange[] => {
    const { material, number, state } = version
    if (version === next) return [{ material, number, event: 'activate' }]
    if (state === 'prepared') return [{ material, number, event: 'abandon', keepUntil }]
    return state === 'active' && next ? [{ material, number, event: 'withdraw', keepUntil }] : []
  })
}

function end(
  parts: EngineParts,
  { name, keep }: Provoked,
  { id, trigger }: Undertaking,
  result: RotationResult,
  detail: string | undefined,
  value?: string,
): void {
  const { journal, keys, clock, events } = parts
  const now = clock.now()
  const why = detail === undefined ? {} : { detail }
  const known = keys.list(name)
  const next = known.find((v) => v.state === 'prepared' && v.fingerprint === value)
  const used = next ?? keys.active(name)
  const versions = changesTo(next, known, now + keep)
  const common = { material: name, trigger, result, blamed: true, alone: true, now }
  const outcome = { ...common, ...why, ...(used && { active: used }) }
  journal.finish(id, { result, ...why, versions, schedules: [parts.settle(outcome)], now })
  const rotation = journal.get(id)
  const seconds = rotation ? Math.max(0, now - rotation.started) / 1000 : 0
  const changes = rotation?.changes ?? []
  events.emit('rotation.finished', now, { id, trigger, changes, result, seconds, ...why })
  const version = next && keys.get(name, next.number)
  if (version) events.emit('version.active', now, { version })
}
