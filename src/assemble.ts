import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readTokens } from './api-tokens/token-file.ts'
import { type Assembly, assemble } from './assembly/assemble.ts'
import { logEvents } from './assembly/log.ts'
import type { Config } from './config/config.ts'
import type { Readings } from './metrics/reading.ts'
import { Events } from './model/events.ts'
import { formatAuditHead } from './operations/audit-head.ts'
import type { Operations } from './operations/operations.ts'
import { createStore, refusePresent } from './store/create-store.ts'
import { databasePath, refuseAbsent } from './store/database.ts'
import { lockedBy, tryLock } from './store/lock.ts'
import { openStore, type Store } from './store/store.ts'
import { createStoreKeyFile } from './store/store-key.ts'
import { systemClock } from './support/clock.ts'
import { messageOf } from './support/operator-error.ts'

/** How long a running rotation may go on after SIGTERM: well within systemd's TimeoutStopSec of 90 s. */
const grace = 60_000
/** Between two looks at a lock that somebody else holds. */
const lockPause = 50

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
  const store = await openStore(storeOptions(config))
  parts.defer(() => store.close())
  const events = new Events()
  logEvents(events, ({ level, message, fields }) => log[level](message, fields))
  const daemon = new Daemon(config, store, events)
  parts.defer(() => daemon.stop())
  const metrics = createMetrics(events, daemon.readings)
  parts.defer(() => metrics.close())
  const listeners = await openListeners(config, {
    operations: () => daemon.assembly.operations,
    events,
    metrics,
    clock: systemClock,
    auditHead: () => formatAuditHead(store.audit.head()),
    log,
  })
  parts.defer(() => listeners.close())
  const again = () => void daemon.reload(reload, ({ http }) => listeners.applyHttp(http))
  process.on('SIGHUP', again)
  parts.defer(() => void process.off('SIGHUP', again))
  log.info('rekeyd runs', listeners.addresses)
  // A recovery may take as long as a rotation: a signal must not wait for it.
  await Promise.race([daemon.assembly.start(), aborted(signal)])
  await aborted(signal)
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
  await mkdir(config.stateDir, { recursive: true, mode: 0o700 })
  const lock = await tryLock(config.stateDir, systemClock.now())
  if (!lock.held) throw lockedBy(config.stateDir, lock.holder)
  try {
    refusePresent(config.stateDir)
    if ('file' in config.storeKey) await makeStoreKey(config.storeKey.file)
    const store = await createStore(storeOptions(config))
    store.close()
  } finally {
    lock.release()
  }
}

/** The parts that are made anew when the config is read again; the store, and whoever listens, stay. */
class Daemon {
  readonly #store: Store
  readonly #events: Events
  readonly #started = systemClock.now()
  #assembly: Assembly
  #reloading: Promise<void> = Promise.resolve()

  constructor(config: Config, store: Store, events: Events) {
    this.#store = store
    this.#events = events
    this.#assembly = this.#assemble(config)
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
    const before = this.#reloading
    this.#reloading = (async () => {
      await before
      await this.#takeOver(read, listen)
    })()
    return this.#reloading
  }

  async stop(): Promise<void> {
    await this.#reloading
    await this.#assembly.stop(grace)
  }

  async #takeOver(
    read: () => Promise<Config>,
    listen: (config: Config) => Promise<void>,
  ): Promise<void> {
    const now = systemClock.now()
    try {
      const config = await read()
      await listen(config)
      await this.#assembly.stop(grace)
      this.#assembly = this.#assemble(config)
      await this.#assembly.start()
      this.#events.emit('config.reloaded', now, { ok: true })
    } catch (error) {
      this.#events.emit('config.reloaded', now, { ok: false, reason: messageOf(error) })
    }
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function awaitLock(config: Config, signal: AbortSignal, tell: (holder: string) => void) {
  let told = false
  while (!signal.aborted) {
    const lock = await tryLock(config.stateDir, systemClock.now())
    if (lock.held) return lock
    if (!told) tell(`waiting: ${lockedBy(config.stateDir, lock.holder).message}`)
    told = true
    await systemClock.sleep(lockPause, signal).catch(() => {})
  }
  return undefined
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

/** One that is there already, made by hand or by an interrupted start, is used as it is. */
async function makeStoreKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  if (!existsSync(file)) createStoreKeyFile(file)
}
