import { Backups } from '../backup/backups.ts'
import { build } from '../build.ts'
import { catalogs } from '../config/catalogs.ts'
import type { Config } from '../config/config.ts'
import type { Readings } from '../metrics/reading.ts'
import type { Events } from '../model/events.ts'
import type { Notices } from '../notices/notices.ts'
import type { Surroundings } from '../operations/described.ts'
import { LocalOperations } from '../operations/local-operations.ts'
import type { PublicKeys } from '../operations/public-keys.ts'
import { Engine } from '../rotation/engine.ts'
import { ClockGuard, systemSigns } from '../scheduler/clock-guard.ts'
import { Scheduler } from '../scheduler/scheduler.ts'
import { archivePublic } from '../store/public-archive.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import { examineAll } from './examining.ts'
import { lastProgress } from './last-progress.ts'
import { type AssembledMaterial, assembleMaterials } from './materials.ts'
import { assembleNotices } from './notices.ts'
import { perform } from './perform.ts'
import { planner } from './planner.ts'
import { assemblePublicKeys } from './public-keys.ts'
import { assemblePublicWebhook } from './public-webhook.ts'
import { materialReadings } from './readings.ts'
import { settlement } from './settlement.ts'
import { watchDrift } from './watch-drift.ts'

/** rekeyd's parts on one store and one configuration. */
export interface Assembly {
  readonly config: Config
  readonly version: string
  readonly materials: readonly AssembledMaterial[]
  readonly operations: LocalOperations
  readonly backups: Backups
  readonly publicKeys: PublicKeys
  readonly notices: Notices
  /** What is told to people and programs is counted by these. */
  readonly channels: readonly string[]
  /** Every material at this moment, for the metrics. */
  readings(): ReturnType<Readings['materials']>
  /** Recovers, reconciles, and from then on rotates what is due. */
  start(): Promise<void>
  /** Recovers and reconciles; nothing is due by itself afterwards. */
  recover(): Promise<void>
  /** @param grace milliseconds until running rotations are parked */
  stop(grace: number): Promise<void>
}

export interface AssemblyParts {
  readonly config: Config
  readonly store: Store
  readonly clock: Clock
  readonly events: Events
  readonly surroundings: Pick<Surroundings, 'daemon' | 'paths' | 'started'>
}

type ClockState = ReturnType<Surroundings['clock']>

export function assemble(parts: AssemblyParts): Assembly {
  const { config, store } = parts
  const materials = assembleMaterials(config, catalogs, store.keys, parts.clock)
  const signs = systemSigns()
  const guard = new ClockGuard(parts.clock, store.schedule, build.date, signs)
  const engine = assembleEngine(parts, materials, signs.bootId)
  const scheduler = assembleScheduler(parts, materials, engine, guard)
  const backups = assembleBackups(parts)
  const notices = assembleNotices({ ...parts, materials, engine, scheduler })
  const publicKeys = assemblePublicKeys(store, materials)
  const publicWebhook = assemblePublicWebhook(parts, publicKeys)
  const heard = listen(parts.events, scheduler)
  const state = (name: string) => scheduler.stateOf(name)?.state ?? 'idle'
  const stopped = new AbortController()
  let watching: Promise<void> | undefined
  let recovered: Promise<void> | undefined
  const recover = () => (recovered ??= recoverOnce(engine, store, guard))
  return {
    config,
    version: build.version,
    materials,
    operations: assembleOperations(
      { ...parts, materials, engine, scheduler, backups, notices },
      recover,
      heard,
    ),
    backups,
    publicKeys,
    notices,
    channels: [...notices.names, ...(publicWebhook ? [publicWebhook.name] : [])],
    readings: () => materialReadings({ ...parts, materials, engine, state }),
    recover,
    async start() {
      await recover()
      // Before whatever there may be to tell.
      notices.start()
      publicWebhook?.start()
      scheduler.start()
      backups.start()
      watching = watchDrift(engine, materials, parts, stopped.signal)
    },
    async stop(grace) {
      stopped.abort()
      await watching
      heard.stop()
      const tellers = [notices.stop(), publicWebhook?.stop()]
      await Promise.all([scheduler.stop(), engine.stop(grace), ...tellers])
      await backups.stop()
    },
  }
}

/** What the parts have to hear from each other. */
function listen(events: Events, scheduler: Scheduler) {
  let doubt: ClockState = { suspect: false }
  const progress = lastProgress(events)
  const stops = [
    progress.stop,
    events.on('clock.suspect', ({ suspect, reason }) => {
      doubt = { suspect, ...(reason !== undefined && { reason }) }
    }),
    // Rotations by hand move dates that the scheduler has in its heap.
    events.on('rotation.finished', ({ changes }) => {
      for (const { material } of changes) scheduler.poke(material)
    }),
  ]
  return {
    clock: () => doubt,
    progress: progress.of,
    stop() {
      for (const stop of stops) stop()
    },
  }
}

async function recoverOnce(engine: Engine, store: Store, guard: ClockGuard): Promise<void> {
  const { restored } = store
  await engine.start({ restored, hold: guard.look().suspect !== undefined })
  if (restored) store.settle({ who: 'recovery', why: 'every material waits for adopt' })
}

function assembleEngine(
  { config, store, clock, events }: AssemblyParts,
  materials: readonly AssembledMaterial[],
  bootId: string,
): Engine {
  const { keys, journal, schedule } = store
  return new Engine(
    {
      keys,
      journal,
      schedule,
      clock,
      events,
      bootId,
      settle: settlement(materials, store),
      archive: async (material, number, part, bytes) => {
        archivePublic(config.stateDir, { material, number }, part, bytes)
      },
    },
    materials.map(({ managed }) => managed),
  )
}

function assembleScheduler(
  { config, store, clock, events }: AssemblyParts,
  materials: readonly AssembledMaterial[],
  engine: Engine,
  guard: ClockGuard,
): Scheduler {
  return new Scheduler({
    clock,
    guard,
    state: store.schedule,
    versions: {
      list: (name) => store.keys.list(name).filter(({ state }) => state !== 'destroyed'),
    },
    perform: perform(engine, store.keys, events, clock),
    events,
    materials: materials.map(({ scheduled }) => scheduled),
    mode: config.mode,
    maxRestarts: new Map(config.consumers.map(({ name, maxRestarts }) => [name, maxRestarts])),
  })
}

function assembleBackups({ config, store, clock, events }: AssemblyParts): Backups {
  const { stateDir, path, recipients, backup } = config
  return new Backups({
    store,
    clock,
    events,
    stateDir,
    configPath: path,
    version: build.version,
    recipients,
    ...(backup && { folder: { path: backup.to, keep: backup.keep } }),
  })
}

interface OperatedParts extends AssemblyParts {
  readonly materials: readonly AssembledMaterial[]
  readonly engine: Engine
  readonly scheduler: Scheduler
  readonly backups: Backups
  readonly notices: Notices
}

function assembleOperations(
  { config, store, clock, surroundings, materials, engine, scheduler, ...rest }: OperatedParts,
  recover: () => Promise<void>,
  { clock: clockState, progress }: Pick<ReturnType<typeof listen>, 'clock' | 'progress'>,
): LocalOperations {
  const { keys, journal, schedule, audit } = store
  const scheduled = materials.map((material) => material.scheduled)
  const examined = () => {
    const { suspect, reason = 'no reason is known' } = clockState()
    const { newest: newestBackup } = rest.backups
    const { daemon } = surroundings
    return { store, engine, daemon, newestBackup, clockDoubt: suspect ? reason : undefined }
  }
  return new LocalOperations({
    engine,
    keys,
    journal,
    schedule,
    clock,
    audit,
    backups: rest.backups,
    notices: rest.notices,
    recover,
    record: (actor, event) => store.record(actor, event),
    examine: () => examineAll(config, clock.now(), examined()),
    progress,
    planner: planner({ scheduler, materials: scheduled, schedule, clock }),
    materials: materials.map(({ described }) => described),
    surroundings: {
      ...surroundings,
      version: build.version,
      mode: config.mode,
      clock: clockState,
    },
  })
}
