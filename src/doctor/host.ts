import { readTokens } from '../api-tokens/token-file.ts'
import { build } from '../build.ts'
import type { DoctorFinding } from '../operations/outlook.ts'
import { Folder } from '../support/folder.ts'
import { hasCode } from '../support/operator-error.ts'
import { resolveFolder } from '../support/safe-path.ts'
import { attempt, failure, ok, warning } from './finding.ts'
import type { HostCheck } from './subject.ts'

const day = 86_400_000
/** How soon the end of a token is mentioned. */
const soon = 14 * day

export const mode: HostCheck = async ({ config }) =>
  config.mode === 'observe'
    ? [warning('mode', 'rekeyd only observes: nothing rotates', 'set mode: rotate in the config')]
    : []

/** Below what is known to have been, nothing is made. */
export const clock: HostCheck = async ({ clockDoubt, now }) => {
  const hint = 'set the clock, and see that it is synchronised (timedatectl)'
  if (clockDoubt !== undefined) return [failure('clock', `is not trusted: ${clockDoubt}`, hint)]
  if (now >= build.date) return [ok('clock', 'is plausible')]
  return [
    failure('clock', `shows ${new Date(now).toISOString()}, before this rekeyd was made`, hint),
  ]
}

/** Whether the store could be brought back when this host is lost. */
export const recovery: HostCheck = async ({ config, newestBackup, now, store }) => {
  const { recipients, backup, materials } = config
  if (recipients.length === 0) {
    const message =
      'nobody could open a backup: with this disk, every key that only rekeyd has is lost'
    return [
      warning(
        'recovery',
        message,
        'set `recovery: { recipients: [age1…] }`, then `backup: { to: … }`',
      ),
    ]
  }
  if (!backup) {
    return [
      warning('backup', 'no backup is made by itself', 'set `backup: { to: /var/backups/rekeyd }`'),
    ]
  }
  const where = { place: backup.to }
  const writable = await attempt('backup', where, () => tryFolder(backup.to))
  if (!store || writable.level === 'failure') return [writable]
  const last = Math.max(0, ...materials.map(({ name }) => store.schedule(name).lastRotation ?? 0))
  const hint = '`rekeyd backup` makes one now; the log says why there is none'
  if (newestBackup === undefined)
    return [writable, warning('backup-age', 'there is no backup yet', hint, where)]
  if (newestBackup + day < last && last < now) {
    const made = new Date(newestBackup).toISOString()
    return [
      writable,
      warning('backup-age', `the newest is of ${made}, older than the last rotation`, hint, where),
    ]
  }
  return [
    writable,
    ok('backup-age', `the newest is of ${new Date(newestBackup).toISOString()}`, where),
  ]
}

async function tryFolder(path: string): Promise<string> {
  try {
    await using folder = await Folder.open(await resolveFolder(path))
    await folder.probe('.rekeyd-check', { mode: 0o600 })
    return 'a backup can be written there'
  } catch (error) {
    if (hasCode((error as Error).cause, 'ENOENT')) return 'would be made'
    throw error
  }
}

/** Programs that lose access overnight. */
export const apiTokens: HostCheck = async ({ config, now }) => {
  const { http } = config
  if (!http) return []
  const where = { place: http.tokens }
  let tokens: Awaited<ReturnType<typeof readTokens>> = []
  const read = await attempt('api-tokens', where, async () => {
    tokens = await readTokens(http.tokens)
    return `${tokens.length} can be used`
  })
  if (read.level === 'failure') return [read]
  if (tokens.length === 0) {
    const message = 'the API listens over TCP, and nobody has a token'
    return [warning('api-tokens', message, '`rekeyd api-token add` makes one', where)]
  }
  const ending = tokens.filter(({ expires }) => Date.parse(expires) < now + soon)
  const findings = ending.map(({ name, expires }): DoctorFinding => {
    const verb = Date.parse(expires) <= now ? 'has expired since' : 'expires at'
    const hint = `\`rekeyd api-token add\` makes another; \`rekeyd api-token revoke ${name}\` removes this one`
    return warning('api-tokens', `token ${name} ${verb} ${expires}`, hint, where)
  })
  return findings.length > 0 ? findings : [read]
}
