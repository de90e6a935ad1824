import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Events } from '../model/events.ts'
import type { Actor } from '../store/key-store.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { sealArchive } from './archive.ts'
import { type BackupFile, listBackups, pruneBackups, writeBackup } from './backup-folder.ts'
import { readPublicParts, toFiles } from './contents.ts'

export interface BackupsParts {
  readonly store: Pick<Store, 'audit' | 'compromised' | 'copy' | 'record'>
  readonly clock: Clock
  readonly events: Events
  readonly stateDir: string
  readonly configPath: string
  /** Of rekeyd. */
  readonly version: string
  /** Who can open the backups; none: no backup can be made. */
  readonly recipients: readonly string[]
  /** Where they go by themselves, and how many stay there. */
  readonly folder?: { readonly path: string; readonly keep: number }
}

/** A rotation is often followed by the next one: one backup serves them all. Milliseconds. */
const pause = 5_000
const schedule: Actor = { who: 'schedule' }

/** Makes backups: one after the rotations of the moment, where a folder is configured, and when asked. */
export class Backups {
  readonly #parts: BackupsParts
  readonly #stopped = new AbortController()
  #work: Promise<unknown> = Promise.resolve()
  #isDue = false

  constructor(parts: BackupsParts) {
    this.#parts = parts
  }

  /**
   * When the newest one in the configured folder was made, in epoch milliseconds. A folder that cannot be looked
   * at has none: it stands in the way of neither a start nor a scrape.
   */
  get newest(): number | undefined {
    const { folder } = this.#parts
    try {
      return folder && listBackups(folder.path).at(-1)?.made
    } catch {
      return undefined
    }
  }

  /** Backs up after every rotation, whatever its result; and now, where there is no backup yet. */
  start(): void {
    if (!this.#parts.folder) return
    const stop = this.#parts.events.on('rotation.finished', () => this.#soon())
    this.#stopped.signal.addEventListener('abort', stop, { once: true })
    if (this.newest === undefined) this.#soon()
  }

  /** Waits for the backup under way; one that was only due is left to the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#work
  }

  /**
   * Makes one now.
   * @param folder by default the configured one
   * @throws OperatorError when it is not said who can open it, or where it goes
   */
  make(actor: Actor, folder = this.#parts.folder?.path): Promise<BackupFile> {
    const made = this.#work.then(() => this.#makeOne(actor, folder))
    this.#work = made.catch(() => {})
    return made
  }

  /**
   * Makes a backup that knows what is compromised, then removes every older one in the configured folder: where
   * the new one fails, all of them stay. The old value is in it as long as the store keeps it, but marked.
   * @returns how many are gone
   */
  async purge(actor: Actor): Promise<number> {
    const { folder } = this.#parts
    if (!folder) return 0
    const before = listBackups(folder.path).length
    await this.make(actor)
    await pruneBackups(folder.path, 1)
    return before
  }

  #soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    const { clock } = this.#parts
    clock.sleep(pause, this.#stopped.signal).then(
      () => {
        this.#isDue = false
        return this.make(schedule).catch(() => {})
      },
      () => {},
    )
  }

  async #makeOne(actor: Actor, folder: string | undefined): Promise<BackupFile> {
    const { clock, events, folder: configured } = this.#parts
    try {
      const made = await this.#write(folder)
      if (configured && folder === configured.path) await pruneBackups(folder, configured.keep)
      this.#parts.store.record(actor, { action: 'backup', detail: made.path })
      events.emit('backup.finished', clock.now(), { ok: true, path: made.path })
      return made
    } catch (error) {
      events.emit('backup.finished', clock.now(), { ok: false, reason: messageOf(error) })
      throw error
    }
  }

  async #write(folder: string | undefined): Promise<BackupFile> {
    const { store, clock, stateDir, configPath, version, recipients } = this.#parts
    if (recipients.length === 0) throw nobody()
    if (folder === undefined) throw nowhere()
    const { seq, hash } = store.audit.head()
    const now = clock.now()
    const copy = await store.copy()
    try {
      const files = toFiles({
        header: {
          format: 1,
          version,
          created: new Date(now).toISOString(),
          host: hostname(),
          audit_head: `${seq}:${hash}`,
        },
        store: copy,
        config: await readFile(configPath),
        publicParts: readPublicParts(stateDir),
      })
      return await writeBackup(
        folder,
        await sealArchive(files, recipients),
        store.compromised(),
        now,
      )
    } finally {
      copy.key.wipe()
    }
  }
}

function nobody(): OperatorError {
  return new OperatorError('nobody is named who can open a backup', {
    kind: 'refused',
    hint: 'make a key pair with `age-keygen`, keep it elsewhere, and set `recovery: { recipients: [age1…] }`',
  })
}

function nowhere(): OperatorError {
  return new OperatorError('it is not said where the backup goes', {
    kind: 'refused',
    hint: '`rekeyd backup --to FOLDER`, or set `backup: { to: FOLDER }`',
  })
}
