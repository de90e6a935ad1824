import { readdirSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Folder } from '../support/folder.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import { resolveFolder } from '../support/safe-path.ts'

const backupName = /^rekeyd-\d{8}T\d{6}Z(?:-\d+)?\.age$/
/** Beside the backups: what each of them must not give back, as tags that only their store knows. */
const compromisedName = 'rekeyd-compromised.json'

/** A backup in a folder. */
export interface BackupFile {
  readonly path: string
  /** Epoch milliseconds. */
  readonly made: number
  readonly bytes: number
}

/** The complete backups in a folder, oldest first; none where there is no folder. */
export function listBackups(folder: string): readonly BackupFile[] {
  return namesIn(folder)
    .filter((name) => backupName.test(name))
    .map((name) => {
      const path = join(folder, name)
      const { mtimeMs, size } = statSync(path)
      return { path, made: mtimeMs, bytes: size }
    })
    .toSorted((a, b) => a.made - b.made || a.path.localeCompare(b.path))
}

/**
 * Writes a backup under a name of its own, synced, complete or not at all.
 * @param now epoch milliseconds
 */
export async function writeBackup(
  folder: string,
  sealed: Uint8Array,
  compromised: readonly string[],
  now: number,
): Promise<BackupFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = await resolveFolder(folder)
  await using opened = await Folder.open(path)
  await removeParts(opened)
  const name = await freeName(opened, now)
  await opened.write(name, sealed, { mode: 0o600 })
  const known = JSON.stringify(compromised)
  await opened.write(compromisedName, Buffer.from(`${known}\n`), { mode: 0o600 })
  await opened.sync()
  return { path: join(path, name), made: now, bytes: sealed.length }
}

/** Removes all but the newest `keep` backups. @returns how many */
export async function pruneBackups(folder: string, keep: number): Promise<number> {
  const old = listBackups(folder).slice(0, -keep || undefined)
  if (old.length === 0) return 0
  await using opened = await Folder.open(await resolveFolder(folder))
  for (const { path } of old) await opened.remove(path.slice(path.lastIndexOf('/') + 1))
  await opened.sync()
  return old.length
}

/** What is known to be compromised, from beside a backup. */
export async function compromisedBeside(folder: string): Promise<readonly string[]> {
  await using opened = await Folder.open(await resolveFolder(folder))
  const found = await opened.read(compromisedName, 1024 * 1024)
  if (!found) return []
  try {
    const tags: unknown = JSON.parse(found.content.toString('utf8'))
    if (Array.isArray(tags)) return tags.map(String)
  } catch {
    // Told below.
  }
  throw new OperatorError(`${join(folder, compromisedName)} is damaged`, {
    hint: 'it says which versions must never come back; move it away to restore without it',
  })
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

/** Of a process that was killed while it wrote. */
async function removeParts(folder: Folder): Promise<void> {
  const parts = (await folder.names()).filter((name) => /^rekeyd-.*\.part$/.test(name))
  for (const name of parts) await folder.remove(name)
}

async function freeName(folder: Folder, now: number): Promise<string> {
  const time = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '')
  for (let count = 1; ; count += 1) {
    const name = `rekeyd-${time}${count === 1 ? '' : `-${count}`}.age`
    if (!(await folder.stat(name))) return name
  }
}
