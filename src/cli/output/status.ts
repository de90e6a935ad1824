import type { MaterialState } from '../../model/material.ts'
import { standingOf } from '../../operations/standing.ts'
import type { MaterialView, StatusView } from '../../operations/views.ts'
import { worstFirst } from '../../operations/worst-first.ts'
import { absolute, moment, relative } from './moments.ts'
import { type Colour, plain, type Style } from './style.ts'
import { type Cell, table } from './table.ts'

const colours: Partial<Record<MaterialState, Colour>> = {
  needs_attention: 'red',
  suspended: 'red',
  retrying: 'yellow',
  awaiting_approval: 'yellow',
  due: 'yellow',
  rotating: 'cyan',
  paused: 'dim',
}

/** How soon an end of validity is mentioned, in milliseconds. */
const soon = 14 * 86_400_000

/** All materials, the worst first, under a line about rekeyd itself. */
export function statusTable(status: StatusView, now: number, style: Style): string {
  const rows = worstFirst(status.materials, now).map((material) => [
    material.name,
    material.kind,
    stateCell(material, now),
    material.active ? String(material.active.version) : 'none',
    next(material, now),
    moment(material.last_rotation, now),
    noteOf(material, now),
  ])
  const heading = ['MATERIAL', 'KIND', 'STATE', 'VERSION', 'NEXT', 'LAST', 'NOTE']
  return `${headLine(status, now)}\n${rows.length > 0 ? table(heading, rows, style) : 'no materials\n'}`
}

/** When it is due next; where no time is known, what it waits for. */
export function next(
  { next_rotation: due, next_attempt: attempt, schedule }: MaterialView,
  now: number,
) {
  if (attempt !== undefined && Date.parse(attempt) > now) return `tried ${moment(attempt, now)}`
  return moment(due, now, schedule)
}

export function stateCell(material: MaterialView, now: number): Cell {
  const expired = standingOf(material, now).problems.includes('expired')
  const colour = expired ? 'red' : colours[material.state]
  const text = expired ? `${material.state}, expired` : material.state
  return colour === undefined ? text : { text, colour }
}

function headLine(status: StatusView, now: number): string {
  const { version, mode, daemon, pid, started, paths, clock } = status
  const since = started === undefined ? '' : `, started ${relative(started, now)}`
  const who = daemon ? `daemon ${pid ?? ''}${since}` : `no daemon, store in ${paths.state_dir}`
  const doubt = clock.suspect ? `\nthe clock is suspect: ${plain(clock.reason ?? 'no reason')}` : ''
  return `rekeyd ${version}, mode ${mode}, ${plain(who)}${doubt}`
}

function noteOf(material: MaterialView, now: number): string {
  const { reason, drift, paused, active } = material
  const ends = active?.not_after
  const nears = ends !== undefined && Date.parse(ends) < now + soon
  return [
    reason,
    ...drift.map(({ place }) => `drift at ${place}`),
    paused?.until !== undefined && `until ${absolute(paused.until)}`,
    nears && `valid until ${absolute(ends)}`,
  ]
    .filter(Boolean)
    .join('; ')
}
