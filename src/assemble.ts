import { readTokens } from './api-tokens/token-file.ts'
import { type Assembly, assemble } from './assembly/assemble.ts'
import { auditLine, type LogLine, logEvents } from './assembly/log.ts'
import { awaitLock, locked, makeStoreKey } from './assembly/state-dir.ts'
import type { Config } from './config/config.ts'
import type { Readings } from './metrics/reading.ts'
import { Events } from './model/events.ts'
import { formatAuditHead } from './operations/audit-head.ts'
import type { Operations } from './operations/operations.ts'
import type { AuditHead } from './store/audit.ts'
import { createStore, refusePresent } from './store/create-store.ts'
import { databasePath, refuseAbsent } from './store/database.ts'
import { lockedBy, tryLock } from './store/lock.ts'
import { openStore, type Store } from './store/store.ts'
import { aborted } from './support/aborted.ts'
import { systemClock } from './support/clock.ts'
import { messageOf } from './support/operator-error.ts'

export { restoreBackup, takeOverStore } from './assembly/restoring.ts'

/** How long a running rotation may go on after SIGTERM: well within systemd's TimeoutStopSec of 90 s. */
const grace = 60_000

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
  const metrics = createMetrics(events, daemon.readings)
  parts.defer(() => metrics.close())
  const listeners = await openListeners(config, {
    operations: () => daemon.assembly.operations,
    events,
    metrics,
    clock: systemClock,
    auditHead: () => formatAuditHead(auditHead ?? store.audit.head()),
    log,
  })
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

/** The parts that are made anew when the config is read again; whoever listens stays. */
class Daemon {
  #store: Store
  readonly #events: Events
  readonly #open: (config: Config) => Promise<Store>
  readonly #started = systemClock.now()
  #assembly: Assembly
  #reloading: Promise<void> = Promise.resolve()
  readonly #lost = Promise.withResolvers<never>()

  constructor(
    config: Config,
    store: Store,
    events: Events,
    open: (config: Config) => Promise<Store>,
  ) {
    this.#store = store
    this.#events = events
    this.#open = open
    this.#assembly = this.#assemble(config)
    this.#lost.promise.catch(() => {})
    // When the store's key leaked, its next opening gives it new keys: that is now.
    events.on('rotation.finished', () => {
      if (this.#store.renewalDue) void this.#after(() => this.#replace(this.#assembly.config))
    })
  }

  /** Rejects when the store could not be opened again: nothing is left to work on. */
  get lost(): Promise<never> {
    return this.#lost.promise
  }

  get assembly(): Assembly {
    return this.#assembly
  }

  /** What metrics read, always of the present assembly. */
  get readings(): Readings {
    const present = () => this.#assembly
    return {
      materials: () => present().readings(),
      get consumers() {
        return present().config.consumers.map(({ name }) => name)
      },
      newestBackup: () => present().backups.newest,
      async apiTokens() {
        const { http } = present().config
        return http ? readTokens(http.tokens) : []
      },
      version: present().version,
    }
  }

  /**
   * Takes a new config over once running rotations have ended; a bad one changes nothing.
   * @param listen as the new config says; what it throws makes it a bad one
   */
  reload(read: () => Promise<Config>, listen: (config: Config) => Promise<void>): Promise<void> {
    return this.#after(async () => {
      const now = systemClock.now()
      try {
        const config = await read()
        await listen(config)
        await this.#replace(config)
        this.#events.emit('config.reloaded', now, { ok: true })
      } catch (error) {
        this.#events.emit('config.reloaded', now, { ok: false, reason: messageOf(error) })
      }
    })
  }

  async stop(): Promise<void> {
    await this.#reloading
    await this.#assembly.stop(grace)
    this.#store.close()
  }

  /** One replacement at a time. */
  #after(work: () => Promise<void>): Promise<void> {
    const before = this.#reloading
    this.#reloading = before.then(work).catch((error: unknown) => this.#lost.reject(error))
    return this.#reloading
  }

  async #replace(config: Config): Promise<void> {
    await this.#assembly.stop(grace)
    if (this.#store.renewalDue) await this.#openAgain(config)
    this.#assembly = this.#assemble(config)
    await this.#assembly.start()
  }

  async #openAgain(config: Config): Promise<void> {
    this.#store.close()
    const opened = this.#open(config)
    opened.catch((error: unknown) => this.#lost.reject(error))
    this.#store = await opened
    if (!this.#store.renewalDue) return
    this.#events.emit('store.error', systemClock.now(), { operation: 'renewal of its keys' })
  }

  #assemble(config: Config): Assembly {
    return assemble({
      config,
      store: this.#store,
      clock: systemClock,
      events: this.#events,
      surroundings: { daemon: true, started: this.#started, paths: pathsOf(config) },
    })
  }
}

function storeOptions(config: Config) {
  return { stateDir: config.stateDir, storeKey: config.storeKey, clock: systemClock }
}

function pathsOf({ stateDir, socket, metrics, path }: Config) {
  const host = metrics.host.includes(':') ? `[${metrics.host}]` : metrics.host
  return {
    state_dir: stateDir,
    socket: socket.path,
    metrics: `http://${host}:${metrics.port}/metrics`,
    config: path,
  }
}
