import { impactText } from '../../operations/impact.ts'
import type { MaterialView, VersionView } from '../../operations/views.ts'
import { absolute, moment } from './moments.ts'
import { next, stateCell } from './status.ts'
import type { Style } from './style.ts'
import { list, table } from './table.ts'

/** Everything about one material: `status NAME`. */
export function materialDetails(material: MaterialView, now: number, style: Style): string {
  const { name, kind, window, active, paused, reason } = material
  const state = stateCell(material, now)
  const text = typeof state === 'string' ? state : style(state.colour, state.text)
  return [
    `${style('bold', name)}: ${kind}, ${text}\n`,
    list([
      ['why', reason],
      [
        'schedule',
        window === undefined ? material.schedule : `${material.schedule}, in window ${window}`,
      ],
      ['next', next(material, now)],
      ['last rotation', moment(material.last_rotation, now)],
      ['last attempt', material.last_attempt && moment(material.last_attempt, now)],
      ['active', active && `version ${active.version}, ${active.fingerprint}`],
      ['valid until', active?.not_after && moment(active.not_after, now)],
      ['overlap until', material.overlap_until && moment(material.overlap_until, now)],
      ['kept until', material.keep_until && moment(material.keep_until, now)],
      ['paused', paused && `by ${paused.who}: ${paused.reason}${until(paused.until)}`],
      ['consumers', material.consumers.join(', ')],
      ['impact', impactOf(material)],
    ]),
    section('versions', versionTable(material.versions, style)),
    section('targets', targetTable(material.targets, style)),
    section('drift', driftTable(material.drift, style)),
  ].join('')
}

function impactOf({ impact, impact_count }: MaterialView): string | undefined {
  return impact === undefined ? undefined : impactText(impact, impact_count)
}

/** Where the material is written to, and what was found there. */
export function targetTable(targets: MaterialView['targets'], style: Style): string {
  const rows = targets.map((target) => [
    target.type,
    target.path,
    target.key ?? '',
    target.part ?? '',
    target.format ?? '',
    target.version,
    target.live,
  ])
  const heading = ['TYPE', 'PATH', 'KEY', 'PART', 'FORMAT', 'VERSION', 'LIVE']
  return rows.length > 0 ? table(heading, rows, style) : ''
}

function versionTable(versions: readonly VersionView[], style: Style): string {
  const rows = versions
    .toSorted((a, b) => b.version - a.version)
    .map((version) => [
      String(version.version),
      version.compromised ? `${version.state}, compromised` : version.state,
      version.origin,
      absolute(version.created),
      version.not_after === undefined ? '' : absolute(version.not_after),
      version.fingerprint,
    ])
  const heading = ['VERSION', 'STATE', 'ORIGIN', 'CREATED', 'VALID UNTIL', 'FINGERPRINT']
  return rows.length > 0 ? table(heading, rows, style) : ''
}

function driftTable(drift: MaterialView['drift'], style: Style): string {
  const rows = drift.map(({ where, place, detail }) => [where, place, detail])
  return rows.length > 0 ? table(['WHERE', 'PLACE', 'FOUND'], rows, style) : ''
}

function section(title: string, text: string): string {
  return text === '' ? '' : `\n${title}\n${text}`
}

function until(time: string | undefined): string {
  return time === undefined ? '' : ` (until ${absolute(time)})`
}
