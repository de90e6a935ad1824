import type { Catalogs } from '../config/catalogs.ts'
import type { Choice } from '../config/choice.ts'
import type { Config, ConsumerConfig, MaterialConfig } from '../config/config.ts'
import { impactCounter } from '../impact/impact-counter.ts'
import type { Kind, KindType } from '../materials/kind.ts'
import type { Edition } from '../model/version.ts'
import type { DescribedMaterial } from '../operations/described.ts'
import { usualOnFailure } from '../operations/on-failure.ts'
import { editionOf } from '../rotation/edition.ts'
import type { ManagedConsumer, ManagedMaterial } from '../rotation/managed.ts'
import type { Schedule } from '../scheduler/schedule.ts'
import type { ScheduledMaterial } from '../scheduler/scheduled-material.ts'
import { Window } from '../scheduler/window.ts'
import type { KeyStore } from '../store/key-store.ts'
import { type Clock, systemClock } from '../support/clock.ts'
import type { Target } from '../targets/target.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import { permission } from './permission.ts'

/** One material, made real for each of those who deal with it. */
export interface AssembledMaterial {
  readonly managed: ManagedMaterial
  readonly scheduled: ScheduledMaterial
  readonly described: DescribedMaterial
  readonly expires: boolean
  /** Whether anybody may ask for its public parts. */
  readonly public: boolean
}

type EditionOf = (material: string) => Promise<Edition | undefined>

/** Makes everything that the config names, from the catalogs. */
export function assembleMaterials(
  config: Config,
  catalogs: Catalogs,
  keys: KeyStore,
  clock: Pick<Clock, 'sinceBoot'> = systemClock,
): readonly AssembledMaterial[] {
  const kinds = new Map<string, Kind>()
  const editions: EditionOf = async (name) => {
    const kind = kinds.get(name)
    const active = keys.active(name)
    return active && kind?.madeBy === 'rekeyd' ? editionOf(keys, kind, active) : undefined
  }
  for (const { name, kind } of config.materials) {
    const context = { material: name, editionOf: editions }
    kinds.set(name, of(catalogs.kinds, kind).create(kind.options, context))
  }
  const consumers = new Map(
    config.consumers.map((consumer) => [
      consumer.name,
      assembleConsumer(consumer, config, catalogs, editions),
    ]),
  )
  const managed = config.materials.map((material) =>
    assembleManaged(material, kinds, consumers, config, catalogs, editions),
  )
  const apart = apartFrom(managed)
  return managed.map((one, index) => {
    const material = config.materials[index]
    if (!material) throw new RangeError(`${one.name} is not configured`)
    const schedule = of(catalogs.schedules, material.schedule).create(material.schedule.options)
    return {
      managed: one,
      expires: of(catalogs.kinds, material.kind).expires === true,
      public: material.public,
      scheduled: scheduleOf(material, schedule, apart(one)),
      described: {
        ...describe(material, schedule, one),
        ...countOf(material, editions, clock),
        ...leakOf(material, config.materials, of(catalogs.kinds, material.kind)),
      },
    }
  })
}

function scheduleOf(
  { name, schedule: choice, consumers, approval, announce, window }: MaterialConfig,
  schedule: Schedule,
  apart: readonly string[],
): ScheduledMaterial {
  return {
    name,
    schedule,
    basis: JSON.stringify([choice, window ?? null]),
    ...(window && { window: new Window(window.name, window) }),
    consumers,
    approval,
    ...(announce > 0 && { announce }),
    apart,
  }
}

function describe(
  { name, kind, consumers, approval, window, impact }: MaterialConfig,
  schedule: Schedule,
  { targets }: ManagedMaterial,
): Omit<DescribedMaterial, keyof Leak | 'impactCount'> {
  return {
    name,
    kind: kind.type,
    schedule: schedule.description,
    ...(window && { window: window.name }),
    consumers,
    targets: targets.map(describeTarget),
    ...(impact !== undefined && { impact }),
    approval,
  }
}

function countOf(
  { name, impactCount }: MaterialConfig,
  editions: EditionOf,
  clock: Pick<Clock, 'sinceBoot'>,
): Pick<DescribedMaterial, 'impactCount'> {
  if (!impactCount) return {}
  const { unit, count } = impactCount
  const key = 'sqlite' in count ? count.sqlite.db_key?.material : undefined
  const reads = key === undefined ? [name] : [name, key]
  return { impactCount: { unit, reads, ask: impactCounter(impactCount, editions, clock) } }
}

type Leak = Pick<DescribedMaterial, 'contains' | 'elsewhere'>

/** What is in danger when it leaks, and what that asks for where rekeyd does not reach. */
function leakOf(
  { name, contains }: MaterialConfig,
  materials: readonly MaterialConfig[],
  { holdsAll, elsewhere }: KindType<unknown>,
): Leak {
  const others = materials.map((material) => material.name).filter((other) => other !== name)
  return {
    contains: holdsAll ? others : contains,
    ...(elsewhere !== undefined && { elsewhere }),
  }
}

function assembleConsumer(
  { name, reach, apply, ready, timeouts, dwell }: ConsumerConfig,
  { stateDir, storeKey }: Config,
  catalogs: Catalogs,
  editions: EditionOf,
): ManagedConsumer {
  const context = { targets: [], editionOf: editions, stateDir, storeKey }
  return {
    name,
    consumer: of(catalogs.consumers, reach).create(reach.options),
    apply,
    ready: ready.map((choice) => of(catalogs.verifiers, choice).create(choice.options, context)),
    timeouts,
    dwell,
  }
}

function assembleManaged(
  material: MaterialConfig,
  kinds: ReadonlyMap<string, Kind>,
  consumers: ReadonlyMap<string, ManagedConsumer>,
  { stateDir, storeKey }: Config,
  catalogs: Catalogs,
  editions: EditionOf,
): ManagedMaterial {
  const { name, overlap, keep, onMissing } = material
  const kind = kinds.get(name)
  if (!kind) throw new RangeError(`${name} was not made`)
  const targets = material.targets.map((choice): Target => {
    const context = { material: name, editionOf: editions, stateDir, storeKey }
    return of(catalogs.targets, choice).create(choice.options, context)
  })
  const verifiers = material.verify.map((choice): Verifier => {
    const context = { material: name, editionOf: editions, targets, stateDir, storeKey }
    return of(catalogs.verifiers, choice).create(choice.options, context)
  })
  return {
    name,
    kind,
    targets,
    consumers: material.consumers.flatMap((consumer) => consumers.get(consumer) ?? []),
    verifiers,
    overlap,
    keep,
    onMissing,
    onFailure: usualOnFailure(material.kind.type),
    ...permission(kind, targets),
  }
}

/** A row in an encrypted database and that database's key never rotate together. */
function apartFrom(materials: readonly ManagedMaterial[]) {
  const databases = (material: ManagedMaterial, type: string) =>
    material.targets.flatMap((target) => (target.type === type ? [target.place.path] : []))
  return (material: ManagedMaterial): readonly string[] => {
    const pairs = [
      ['sqlcipher', 'sqlite_row'],
      ['sqlite_row', 'sqlcipher'],
    ] as const
    return materials.flatMap((other) =>
      pairs.some(([own, theirs]) =>
        databases(material, own).some((path) => databases(other, theirs).includes(path)),
      )
        ? [other.name]
        : [],
    )
  }
}

function describeTarget({ type, place, part, format, role }: Target) {
  return {
    type,
    path: place.path,
    ...(place.key !== undefined && { key: place.key }),
    ...(part !== undefined && { part }),
    ...(format !== undefined && { format }),
    version: role,
  }
}

/** The schema has let through only what the catalog has. */
function of<T>(catalog: Readonly<Record<string, T>>, { type }: Choice): T {
  const entry = catalog[type]
  if (!entry) throw new RangeError(`no ${type} in the catalog`)
  return entry
}
