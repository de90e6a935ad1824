import type { Config } from '../config/config.ts'
import type { Readings } from '../metrics/reading.ts'
import type { Events } from '../model/events.ts'
import type { Store } from '../store/store.ts'
import { systemClock } from '../support/clock.ts'
import { messageOf } from '../support/operator-error.ts'
import { type Assembly, assemble } from './assemble.ts'

/** How long a running rotation may go on after SIGTERM: well within systemd's TimeoutStopSec of 90 s. */
export const grace = 60_000

/** The parts that are made anew when the config is read again; whoever listens stays. */
export class Daemon {
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
  get readings(): Omit<Readings, 'apiTokens'> {
    const present = () => this.#assembly
    return {
      materials: () => present().readings(),
      channels: () => present().channels,
      consumers: () => present().config.consumers.map(({ name }) => name),
      newestBackup: () => present().backups.newest,
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

/** Where a rekeyd is to be found, as it says of itself. */
export function pathsOf({ stateDir, socket, metrics, path }: Config) {
  const host = metrics.host.includes(':') ? `[${metrics.host}]` : metrics.host
  return {
    state_dir: stateDir,
    socket: socket.path,
    metrics: `http://${host}:${metrics.port}/metrics`,
    config: path,
  }
}
