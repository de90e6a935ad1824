import type { Announcement } from './notice.ts'
import type { MaterialOutlook, Outlook, Planned } from './outlook.ts'
import { isPaused } from './standing.ts'
import { spoken, spokenSpan } from './times.ts'

/** What one material does to one consumer. */
interface Hit {
  readonly material: MaterialOutlook
  readonly planned: Planned
  readonly consumer: string
  readonly seconds?: number
}

/**
 * The restarts that begin within `before`: one announcement a consumer and window, however many materials want it.
 * What has begun already is not told any more. Pure.
 */
export function announceRestarts(
  { now, materials }: Outlook,
  before: number | undefined,
): readonly Announcement[] {
  const hits = materials.flatMap((material) =>
    material.planned.flatMap((planned) =>
      planned.restarts.map((restart) => ({ material, planned, ...restart })),
    ),
  )
  const soon = hits.filter(({ planned }) => isAhead(startOf(planned), now, before))
  const groups = Map.groupBy(soon, ({ consumer, planned }) => `${consumer} ${startOf(planned)}`)
  return [...groups.values()].flatMap((group) => restartOf(group, now))
}

/** Rotations that break clients and that no restart tells of. @param told names of materials */
export function announceImpacts(
  { now, materials }: Outlook,
  before: number | undefined,
  told: ReadonlySet<string>,
): readonly Announcement[] {
  return materials.flatMap((material): readonly Announcement[] => {
    const { name, impact, observed, schedule, planned } = material
    if (impact === undefined || observed || told.has(name) || isPaused(material, now)) return []
    const next = planned.find(({ action }) => action === 'rotate')
    const start = next ? startOf(next) : schedule.due
    if (start === undefined || !isAhead(start, now, before)) return []
    return [impactOf(material, impact, start, next, now)]
  })
}

function impactOf(
  material: MaterialOutlook,
  impact: string,
  start: number,
  next: Planned | undefined,
  now: number,
): Announcement {
  const { name, needsApproval, timezone } = material
  const command = needsApproval
    ? `rekeyd approve ${name}`
    : pauseCommand(name, next?.window?.end ?? start)
  return {
    cause: `impact ${name} ${start}`,
    kind: 'impact',
    severity: 'warning',
    title: `${name} is due ${spoken(start, now, timezone)}, and clients notice it`,
    lines: [
      impact,
      `Times are ${timezone ?? 'UTC'}.`,
      needsApproval ? `It waits for \`${command}\`` : `Stop it: \`${command}\``,
    ],
    materials: [name],
    command,
    reminded: false,
  }
}

function restartOf(group: readonly Hit[], now: number): readonly Announcement[] {
  const [first] = group
  if (!first) return []
  const { consumer, planned, material } = first
  const { timezone } = material
  const start = startOf(planned)
  const when = planned.window
    ? spokenSpan(start, planned.window.end, now, timezone)
    : spoken(start, now, timezone)
  const hit = [...new Map(group.map(({ material }) => [material.name, material])).values()]
  const names = hit.map(({ name }) => name)
  const seconds = Math.max(...group.map(({ seconds = 0 }) => seconds))
  const impacts = hit.flatMap(({ name, impact }) =>
    impact === undefined ? [] : [`${name}: ${impact}`],
  )
  const pauses = names.map((name) => pauseCommand(name, planned.window?.end ?? start))
  return [
    {
      cause: `restart ${consumer} ${start}`,
      kind: 'restart',
      severity: impacts.length > 0 ? 'warning' : 'info',
      title: `${consumer} restarts ${when}`,
      lines: [
        `${when} (${timezone ?? 'UTC'}) ${consumer} restarts${lasting(seconds)}, because ${names.join(', ')}`,
        ...impacts,
        ...pauses.map((command) => `Stop it: \`${command}\``),
      ],
      materials: names,
      ...(pauses[0] !== undefined && { command: pauses[0] }),
      reminded: false,
    },
  ]
}

/** All that goes into one opening of a window begins with it. */
function startOf({ at, window }: Planned): number {
  return window?.start ?? at
}

function isAhead(start: number, now: number, before: number | undefined): boolean {
  return before !== undefined && start > now && start - before <= now
}

/** Past the end of the window, so that the next one is as usual. */
function pauseCommand(name: string, end: number): string {
  const until = new Date(end + 60_000).toISOString().replace(/\.\d+Z$/, 'Z')
  return `rekeyd pause ${name} --until ${until} --reason WHY`
}

function lasting(seconds: number): string {
  return seconds > 0 ? `, about ${Math.max(1, Math.round(seconds))} s` : ''
}
