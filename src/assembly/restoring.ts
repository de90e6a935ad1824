import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { openBackup } from '../backup/restore.ts'
import type { Config } from '../config/config.ts'
import { Events } from '../model/events.ts'
import { replaceFile } from '../store/replace-file.ts'
import { openStore, type Store } from '../store/store.ts'
import { systemClock } from '../support/clock.ts'
import { assemble } from './assemble.ts'
import { locked, makeStoreKey } from './state-dir.ts'

export interface RestoreRequest {
  /** The backup, and a file with the age identity that opens it. */
  readonly file: string
  readonly identity: string
  /** Looks at it and changes nothing. */
  readonly checkOnly: boolean
  /** Moves a store that is there aside. */
  readonly replace: boolean
  /** Takes the store of another machine over. */
  readonly takeOver: boolean
  readonly configPath: string
  /** Reads the config at `configPath`. */
  readonly load: () => Promise<Config>
}

/** What was found in a backup, and where it went. */
export interface Restored {
  readonly created: string
  readonly host: string
  readonly materials: readonly string[]
  readonly audit_rows: number
  readonly state_dir?: string
}

/**
 * Brings a backup back, or only looks at it. Where there is no config, that of the backup is written; where
 * the config names a store key file that is absent, one is made.
 */
export async function restoreBackup(request: RestoreRequest): Promise<Restored> {
  const { file, identity, checkOnly, replace, takeOver, configPath, load } = request
  await using backup = await openBackup(file, identity)
  const { created, host } = backup.header
  if (checkOnly) {
    const { materials, rows } = await backup.check({ clock: systemClock })
    return { created, host, materials, audit_rows: rows }
  }
  if (!existsSync(configPath)) {
    await mkdir(dirname(configPath), { recursive: true, mode: 0o700 })
    replaceFile(configPath, backup.config)
  }
  const config = await load()
  const { stateDir, storeKey } = config
  // Awaited here: the backup is wiped when this function returns.
  return await locked(config, async () => {
    if ('file' in storeKey) await makeStoreKey(storeKey.file)
    const placement = { stateDir, storeKey, clock: systemClock, replace, takeOver }
    const { materials, rows } = await backup.place(placement)
    await settleRestored(
      config,
      await openStore({ stateDir, storeKey, clock: systemClock, takeOver }),
    )
    return { created, host, materials, audit_rows: rows, state_dir: stateDir }
  })
}

/** Makes the store of another machine, which was brought here, this one's. */
export async function takeOverStore(config: Config): Promise<{ readonly stateDir: string }> {
  const { stateDir, storeKey } = config
  return locked(config, async () => {
    await settleRestored(
      config,
      await openStore({ stateDir, storeKey, clock: systemClock, takeOver: true }),
    )
    return { stateDir }
  })
}

/** What a start does first with a restored store: it closes what was open and lets every material wait. */
async function settleRestored(config: Config, store: Store): Promise<void> {
  const surroundings = { daemon: false, paths: { state_dir: config.stateDir } }
  const parts = { config, store, clock: systemClock, events: new Events(), surroundings }
  const assembly = assemble(parts)
  try {
    await assembly.recover()
  } finally {
    await assembly.stop(0)
    store.close()
  }
}
