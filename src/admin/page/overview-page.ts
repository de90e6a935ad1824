import { standingOf } from '../../operations/standing.ts'
import type { MaterialView, PlanItem, RotationView, StatusView } from '../../operations/views.ts'
import { dialog } from './dialog.ts'
import { type Html, html } from './html.ts'
import { layout } from './layout.ts'
import { materialTable } from './material-table.ts'
import { rotationEntry } from './step-log.ts'
import { banners, footer } from './surroundings.ts'
import { coursesOf, daysBack } from './timeline.ts'
import { upcomingList } from './upcoming-list.ts'
import type { Visitor } from './visitor.ts'

const mostUpcoming = 8
const mostRecent = 8
const day = 86_400_000

export interface Overview {
  readonly status: StatusView
  readonly plan: readonly PlanItem[]
  /** The newest first. */
  readonly rotations: readonly RotationView[]
}

/** Where everything stands. */
export function overviewPage(
  { status, plan, rotations }: Overview,
  visitor: Visitor,
  now: number,
): string {
  const { materials } = status
  const recent = rotations.filter(({ started }) => Date.parse(started) >= now - daysBack * day)
  const courses = coursesOf(recent, plan)
  const urgent = materials.filter((material) => standingOf(material, now).severity !== 'ok').length
  return layout(
    `${urgent > 0 ? `(${urgent}) ` : ''}rekeyd`,
    html`${banners(status, visitor)}
<section id="all" data-live>
<h1>${summary(materials, now)}</h1>
${materials.length > 0 ? materialTable(materials, courses, visitor, now) : empty}
${materials.length > 0 && legend}
</section>
<div class="columns">
<section id="upcoming" data-live><h2>Coming up</h2>${upcomingList(plan.slice(0, mostUpcoming), now)}</section>
<section id="recent" data-live><h2>Recent rotations</h2>${recentList(rotations, now)}</section>
</div>
${footer(status, now)}${dialog}`,
    visitor,
  )
}

function recentList(rotations: readonly RotationView[], now: number): Html {
  if (rotations.length === 0) return html`<p class="muted">None yet.</p>`
  const shown = rotations.slice(0, mostRecent)
  return html`<ol class="rotations">${shown.map((one) => rotationEntry(one, now))}</ol>`
}

function summary(materials: readonly MaterialView[], now: number): string {
  const count = materials.length
  if (count === 0) return 'No materials'
  const severities = materials.map((material) => standingOf(material, now).severity)
  const critical = severities.filter((severity) => severity === 'critical').length
  const warnings = severities.filter((severity) => severity === 'warning').length
  const well = count - critical - warnings
  if (well === count) return `All well with ${count} ${count === 1 ? 'material' : 'materials'}`
  return [
    ...(critical > 0 ? [`${critical} ${critical === 1 ? 'needs' : 'need'} a person`] : []),
    ...(warnings > 0 ? [`${warnings} to look at`] : []),
    `${well} well`,
  ].join(', ')
}

const empty = html`<div class="card"><p><b>rekeyd manages nothing yet.</b></p>
<p>Add materials to the configuration, then check it and have it read again:</p>
<p><code>rekeyd check-config</code>, then <code>systemctl reload rekeyd</code></p></div>`

const legend = html`<p class="legend muted"><svg viewBox="0 0 12 12" aria-hidden="true"><circle class="ok" cx="6" cy="6" r="3.5"/></svg> rotated <svg viewBox="0 0 12 12" aria-hidden="true"><path class="bad" d="M3 3l6 6m0-6l-6 6"/></svg> did not succeed <svg viewBox="0 0 12 12" aria-hidden="true"><circle class="plan" cx="6" cy="6" r="3.5"/></svg> planned <svg viewBox="0 0 12 12" aria-hidden="true"><path class="overlap" d="M0 6h12"/></svg> clients may use the previous version <svg viewBox="0 0 12 12" aria-hidden="true"><path class="end" d="M6 0v12"/></svg> expires</p>`
