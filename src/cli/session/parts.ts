import type { Config } from '../../config/config.ts'
import type { Survey } from '../../init/init.ts'
import type { Operations } from '../../operations/operations.ts'
import type { DoctorView } from '../../operations/outlook.ts'
import type { Clock } from '../../support/clock.ts'

/** Operations on a running daemon, or on its store while none runs. */
export interface Connection {
  readonly operations: Operations
  /** False when this process holds the store: a rotation that it starts ends with it. */
  readonly daemon: boolean
  close(): Promise<void>
}

/** Where to look for a daemon, and for the config where none runs. */
export interface Whereabouts {
  /** `--socket` */
  readonly socket?: string | undefined
  /** `--config` */
  readonly config?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly directory: string
  /** Epoch milliseconds. */
  readonly now: number
}

/** What is to be done with a backup. Paths are absolute. */
interface RestoreOptions {
  readonly file: string
  /** File with the age identity. */
  readonly identity: string
  readonly checkOnly: boolean
  readonly replace: boolean
  readonly takeOver: boolean
}

/** A backup that was looked at, or restored. */
export interface RestoredView {
  /** When and where it was made. */
  readonly created: string
  readonly host: string
  readonly materials: readonly string[]
  readonly audit_rows: number
  /** Where it is now; absent when it was only looked at. */
  readonly state_dir?: string
}

/** A config that was drafted for a host, and where it goes. */
export interface DraftedConfig {
  /** Absolute. */
  readonly path: string
  readonly survey: Survey
}

/** The rest of rekeyd as the commands use it: loaded only by those that need it. */
export interface CliParts {
  readonly clock: Clock
  /** @throws OperatorError `locked` when no daemon answers and the store is locked or absent */
  connect(where: Whereabouts): Promise<Connection>
  /** The same for a daemon only. @throws OperatorError `locked` when none answers */
  connectToDaemon(where: Whereabouts): Promise<Connection>
  /** The doctor of the daemon, or of this process while none runs, also before there is a store. */
  examine(where: Whereabouts): Promise<DoctorView>
  /** @throws OperatorError `config` that lists every problem */
  loadConfig(where: Whereabouts): Promise<Config>
  /** The config of the daemon that would be asked, unless another one is named; as `loadConfig` while none runs. */
  configInUse(where: Whereabouts): Promise<Config>
  /** Resolves once the daemon has stopped, after `signal`. */
  runDaemon(options: {
    readonly config: Config
    /** Reads the config again. */
    readonly reload: () => Promise<Config>
    readonly signal: AbortSignal
  }): Promise<void>
  /**
   * Looks at the host below `root`, and writes nothing.
   * @throws OperatorError `refused` when there is a config already, unless `force`
   */
  draftConfig(
    where: Whereabouts,
    options: { readonly preset: string; readonly root: string; readonly force: boolean },
  ): Promise<DraftedConfig>
  /**
   * Writes it, once it has proved valid.
   * @param force keeps one that is there under another name
   * @returns that name
   */
  writeConfig(
    drafted: DraftedConfig,
    recipients: readonly string[],
    force: boolean,
  ): Promise<string | undefined>
  /** Whether it is the public key of an age key pair. */
  isRecipient(text: string): Promise<boolean>
  /**
   * Makes the store key, where the config names a file that is absent, and an empty store.
   * @throws OperatorError `refused` when there is a store already
   */
  createStore(config: Config): Promise<void>
  /**
   * Looks at a backup, or puts it where no store is. The config comes from the backup where there is none.
   * @throws OperatorError `locked` when a daemon runs, `refused` when there is a store or it is not this host's
   */
  restore(where: Whereabouts, options: RestoreOptions): Promise<RestoredView>
  /** Makes the store that is there this machine's. */
  takeOver(where: Whereabouts): Promise<{ readonly stateDir: string }>
  /** Lays ./var out where that is not done yet, and starts the demo server. */
  prepareQuickstart(folder: string): Promise<{
    readonly configPath: string
    /** Where the demo server answers. */
    readonly site: string
    /** Ends the demo server. */
    close(): void
  }>
  jsonSchema(): Promise<Readonly<Record<string, unknown>>>
}
