import { existsSync } from 'node:fs'
import { readTokens } from './api-tokens/token-file.ts'
import { assemble } from './assembly/assemble.ts'
import { Daemon, grace, pathsOf } from './assembly/daemon.ts'
import { examineAll } from './assembly/examining.ts'
import { auditLine, type LogLine, logEvents } from './assembly/log.ts'
import { awaitLock, locked, makeStoreKey } from './assembly/state-dir.ts'
import type { Config } from './config/config.ts'
import { viewOf } from './doctor/examine.ts'
import { failureOf } from './doctor/finding.ts'
import type { Readings } from './metrics/reading.ts'
import { Events } from './model/events.ts'
import { formatAuditHead } from './operations/audit-head.ts'
import type { Operations } from './operations/operations.ts'
import type { DoctorView } from './operations/outlook.ts'
import type { AuditHead } from './store/audit.ts'
import { createStore, refusePresent } from './store/create-store.ts'
import { databasePath, refuseAbsent } from './store/database.ts'
import { lockedBy, tryLock } from './store/lock.ts'
import { openStore } from './store/store.ts'
import { aborted } from './support/aborted.ts'
import { systemClock } from './support/clock.ts'
import { OperatorError } from './support/operator-error.ts'

export { restoreBackup, takeOverStore } from './assembly/restoring.ts'

export interface DaemonOptions {
  readonly config: Config
  /** Reads the config again, for SIGHUP. @throws OperatorError when it is bad: the old one stays */
  readonly reload: () => Promise<Config>
  /** Stops the daemon. */
  readonly signal: AbortSignal
}

/** Runs the daemon until `signal`; parts start in order and stop in reverse. */
export async function runDaemon({ config, reload, signal }: DaemonOptions): Promise<void> {
  const [{ openListeners }, { createMetrics }, { createLog }] = await Promise.all([
    import('./admin/listeners.ts'),
    import('./metrics/metrics.ts'),
    import('./assembly/create-log.ts'),
  ])
  const log = createLog()
  refuseAbsent(databasePath(config.stateDir))
  await using parts = new AsyncDisposableStack()
  const lock = await awaitLock(config, signal, (holder) => log.warn(holder))
  if (!lock) return
  parts.defer(() => lock.release())
  const write = ({ level, message, fields }: LogLine) => log[level](message, fields)
  // Kept apart from the store, which is closed for a moment while it gets new keys.
  let auditHead: AuditHead | undefined
  const open = (config: Config) =>
    openStore({
      ...storeOptions(config),
      audited(row) {
        auditHead = row
        write(auditLine(row))
      },
    })
  const store = await open(config)
  const events = new Events()
  logEvents(events, write)
  const daemon = new Daemon(config, store, events, open)
  parts.defer(() => daemon.stop())
  const metrics = createMetrics(events, readingsOf(daemon))
  parts.defer(() => metrics.close())
  const options = {
    operations: () => daemon.assembly.operations,
    events,
    metrics,
    clock: systemClock,
    auditHead: () => formatAuditHead(auditHead ?? store.audit.head()),
    log,
  }
  const listeners = await openListeners(config, options, (name) =>
    daemon.assembly.publicKeys.of(name),
  )
  parts.defer(() => listeners.close())
  const again = () => void daemon.reload(reload, ({ http }) => listeners.applyHttp(http))
  process.on('SIGHUP', again)
  parts.defer(() => void process.off('SIGHUP', again))
  log.info('rekeyd runs', listeners.addresses)
  // A recovery may take as long as a rotation: a signal must not wait for it.
  await Promise.race([daemon.assembly.start(), aborted(signal)])
  await Promise.race([aborted(signal), daemon.lost])
  log.info('rekeyd stops', {})
}

function readingsOf(daemon: Daemon): Readings {
  return {
    ...daemon.readings,
    async apiTokens() {
      const { http } = daemon.assembly.config
      return http ? readTokens(http.tokens) : []
    },
  }
}

/** The CLI without a daemon: on the store itself, under the same lock. */
export async function openOffline(
  config: Config,
): Promise<{ readonly operations: Operations; close(): Promise<void> }> {
  refuseAbsent(databasePath(config.stateDir))
  const lock = await tryLock(config.stateDir, systemClock.now())
  if (!lock.held) throw lockedBy(config.stateDir, lock.holder)
  try {
    const store = await openStore(storeOptions(config))
    const surroundings = { daemon: false, paths: pathsOf(config) }
    const parts = { config, store, clock: systemClock, events: new Events(), surroundings }
    const assembly = assemble(parts)
    return {
      operations: assembly.operations,
      async close() {
        await assembly.stop(grace)
        store.close()
        if (store.renewalDue) (await openStore(storeOptions(config))).close()
        lock.release()
      },
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

/**
 * The doctor without a daemon, also before there is a store. One that cannot be opened is its first finding.
 * @throws OperatorError `locked` when somebody else has the store
 */
export async function examineOffline(config: Config): Promise<DoctorView> {
  if (!existsSync(databasePath(config.stateDir))) return examineAll(config, systemClock.now())
  try {
    const offline = await openOffline(config)
    try {
      return await offline.operations.doctor()
    } finally {
      await offline.close()
    }
  } catch (error) {
    if (error instanceof OperatorError && error.kind === 'locked') throw error
    const { findings } = await examineAll(config, systemClock.now())
    const place = databasePath(config.stateDir)
    return viewOf([failureOf('store', error, { place }), ...findings], false)
  }
}

/**
 * Makes the store key where it is a file that does not exist, and an empty store.
 * @throws OperatorError `refused` when there is a store already
 */
export async function createStoreFor(config: Config): Promise<void> {
  await locked(config, async () => {
    refusePresent(config.stateDir)
    if ('file' in config.storeKey) await makeStoreKey(config.storeKey.file)
    const store = await createStore(storeOptions(config))
    store.close()
  })
}

function storeOptions(config: Config) {
  return { stateDir: config.stateDir, storeKey: config.storeKey, clock: systemClock }
}
