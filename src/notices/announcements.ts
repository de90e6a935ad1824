import { announceImpacts, announceRestarts } from './ahead.ts'
import type { Announcement } from './notice.ts'
import type { MaterialOutlook, Outlook, Trouble } from './outlook.ts'
import { isOfPublicPart } from './public/changes.ts'
import { announceStanding } from './standing.ts'
import { spoken } from './times.ts'

/** Who is told what. */
export interface NoticeSettings {
  /** How long before a restart, or an impact, it is told of; absent: never. Milliseconds. */
  readonly before?: number
  /** Whether success is told, too. */
  readonly onSuccess: 'never' | 'first' | 'always'
}

/** Everything that there is to tell at this moment, whether or not it was told already. Pure. */
export function announcements(outlook: Outlook, settings: NoticeSettings): readonly Announcement[] {
  const { now, materials, trouble } = outlook
  const { before, onSuccess } = settings
  const restarts = announceRestarts(outlook, before)
  return [
    ...announceTrouble(trouble),
    ...materials.flatMap((material) => announceStanding(material, now)),
    ...restarts,
    ...announceImpacts(outlook, before, new Set(restarts.flatMap(({ materials }) => materials))),
    ...materials.flatMap((material) => announceSuccess(material, now, onSuccess)),
  ]
}

/** Whether what was told of this cause stays told although nothing here says so: others forget it, or nobody. */
export function staysTold(cause: string): boolean {
  return cause.startsWith('first-success ') || isOfPublicPart(cause)
}

/** What keeps rekeyd itself from working. */
function announceTrouble({ clock, store, backup }: Trouble): readonly Announcement[] {
  const found: Announcement[] = []
  const tell = (announcement: Omit<Announcement, 'cause' | 'materials' | 'reminded'>) =>
    found.push({ cause: announcement.kind, materials: [], reminded: true, ...announcement })
  if (clock !== undefined) {
    tell({
      kind: 'clock_suspect',
      severity: 'warning',
      title: 'the clock is not trusted: nothing rotates',
      lines: [`It says: ${clock}.`, 'Check `timedatectl`; rekeyd goes on once the clock is right.'],
    })
  }
  if (store !== undefined) {
    tell({
      kind: 'store_error',
      severity: 'critical',
      title: 'the store could not be read or written',
      lines: [`It failed at: ${store}.`, 'Check the disk: its space, and the kernel log.'],
    })
  }
  if (backup !== undefined) {
    tell({
      kind: 'backup_failed',
      severity: 'warning',
      title: 'the backup failed',
      lines: [`${backup}.`, 'Try again: `rekeyd backup`'],
      command: 'rekeyd backup',
    })
  }
  return found
}

function announceSuccess(
  { name, replaced, timezone }: MaterialOutlook,
  now: number,
  onSuccess: NoticeSettings['onSuccess'],
): readonly Announcement[] {
  if (!replaced || onSuccess === 'never') return []
  const { from, to, proved, undoUntil } = replaced
  const isFirst = onSuccess === 'first'
  const undo = `rekeyd rollback ${name}`
  const isUndoable = undoUntil !== undefined && undoUntil > now
  return [
    {
      cause: isFirst ? `first-success ${name}` : `success ${name} ${to}`,
      kind: 'success',
      severity: 'info',
      title: `${name} was rotated: version ${from} → ${to}`,
      lines: [
        proved ? 'Its consumer has shown that it uses it.' : 'Nothing could prove that it is used.',
        isUndoable
          ? `Undo: \`${undo}\`, until ${spoken(undoUntil, now, timezone)} (${timezone ?? 'UTC'})`
          : 'It cannot be undone: the version before is not to be given back.',
        ...(isFirst ? ['From now on only trouble with it is told.'] : []),
      ],
      materials: [name],
      ...(isUndoable && { command: undo }),
      reminded: false,
    },
  ]
}
