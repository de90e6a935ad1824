import { stat, statfs } from 'node:fs/promises'
import type { DoctorFinding } from '../operations/outlook.ts'
import { findMarker } from '../store/marker.ts'
import { readStoreKey } from '../store/store-key.ts'
import { userName } from '../support/accounts.ts'
import { hasCode } from '../support/operator-error.ts'
import { attempt, failure, ok, warning } from './finding.ts'
import type { HostCheck, Subject } from './subject.ts'

/** Bytes below which the store is soon full, and below which it is as good as full. */
const littleSpace = 64 * 1024 * 1024
const noSpace = 4 * 1024 * 1024

/** The key of the store: whether it is there, is one, and is for us alone. */
export const storeKey: HostCheck = async ({ config, store, daemon }) => {
  const { storeKey } = config
  if ('credential' in storeKey) {
    // Only a process that the unit started has it.
    if (!daemon) return []
    return [await attempt('store-key', {}, async () => found(storeKey))]
  }
  const { file } = storeKey
  const isThere = await stat(file).then(
    () => true,
    (error: unknown) => !hasCode(error, 'ENOENT'),
  )
  if (!store && !isThere) return [ok('store-key', 'would be made with the store', { place: file })]
  return [await attempt('store-key', { place: file }, async () => found(storeKey))]
}

function found(source: Subject['config']['storeKey']): string {
  readStoreKey(source)
  return 'is there, and nobody else can read it'
}

/** The folder of the store: that it is ours alone, has room, and that an older copy brought back would be noticed. */
export const stateDir: HostCheck = async ({ config, store, daemon }) => {
  const { stateDir: path } = config
  const stats = await stat(path).catch(() => undefined)
  if (!stats) {
    return [
      warning(
        'store',
        'there is no store yet',
        '`rekeyd init` or `rekeyd run --quickstart` makes one',
        { place: path },
      ),
    ]
  }
  const findings: DoctorFinding[] = []
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
    findings.push(
      warning('state-dir', `others may look into it: mode ${mode}`, `chmod 700 ${path}`, {
        place: path,
      }),
    )
  }
  if (!daemon && process.geteuid?.() === 0 && stats.uid !== 0) {
    const name = await userName(stats.uid)
    const message = `looked at with the rights of root, while rekeyd runs as ${name}`
    findings.push(
      warning(
        'asked-as',
        message,
        `sudo -u ${name} rekeyd doctor, or start the daemon and ask that`,
      ),
    )
  }
  return [...findings, await space(path), ...(store ? [await marker(path, store.id)] : [])]
}

function marker(path: string, store: string): Promise<DoctorFinding> {
  return attempt('store-marker', { place: path }, async () => {
    const found = findMarker(path, store)
    const isBeside = await stat(`${path}.marker/store.marker`).then(
      () => true,
      () => false,
    )
    if (found && isBeside)
      return 'an older copy of the store that was brought back would be noticed'
    const message =
      'the marker of the store lies in the same folder: an old copy of that would bring it along'
    return warning('store-marker', message, `make ${path}.marker writable for rekeyd`, {
      place: path,
    })
  })
}

function space(path: string): Promise<DoctorFinding> {
  return attempt('store-space', { place: path }, async () => {
    const { bavail, bsize } = await statfs(path)
    const free = bavail * bsize
    if (free >= littleSpace) return 'there is room for the store'
    const message = `only ${Math.floor(free / 1024 / 1024)} MiB are free for the store`
    const tell = free < noSpace ? failure : warning
    return tell('store-space', message, 'make room on this file system', { place: path })
  })
}
