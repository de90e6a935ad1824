import type { MaterialView, PlanItem, RotationView, StatusView } from '../../operations/views.ts'
import { actionButton, fitting } from './action-button.ts'
import { dialog } from './dialog.ts'
import { type Html, html } from './html.ts'
import { layout } from './layout.ts'
import { expiry, nextOf } from './material-table.ts'
import { momentOf } from './moment.ts'
import { stateOf } from './state.ts'
import { rotationEntry } from './step-log.ts'
import { banners, footer } from './surroundings.ts'
import { coursesOf, timeline } from './timeline.ts'
import { may, type Visitor } from './visitor.ts'

export interface MaterialDetails {
  readonly status: StatusView
  readonly material: MaterialView
  readonly plan: readonly PlanItem[]
  /** Its own, the newest first. */
  readonly rotations: readonly RotationView[]
}

/** One material: what it is, where it lies, every version and what happened to it. */
export function materialPage(details: MaterialDetails, visitor: Visitor, now: number): string {
  const { status, material, rotations } = details
  return layout(
    `${material.name} · rekeyd`,
    html`${banners(status, visitor)}
<section id="one" data-live>
<p class="up"><a href="/">All materials</a></p>
<h1>${material.name} <small>${material.kind}</small></h1>
<div class="card"><div class="state">${stateOf(material, now)}</div>
${timeline(material, coursesOf(rotations, details.plan)(material.name), now)}
${facts(material, now)}
<p class="buttons">${fitting(material).map((action) => actionButton(action, material, visitor))}</p>
${!may(visitor, 'admin') && may(visitor, 'rotate') && html`<p class="muted">Rolling back needs a token of scope admin.</p>`}</div>
${targets(material)}${versions(material, now)}
</section>
<section id="history" data-live><h2>History</h2>${history(rotations, now)}</section>
${footer(status, now)}${dialog}`,
    visitor,
  )
}

function facts(material: MaterialView, now: number): Html {
  const { schedule, window, last_rotation: last, consumers, contains = [] } = material
  const rows: readonly (readonly [string, Html | string | undefined])[] = [
    ['Next', nextOf(material, now)],
    ['Last', last === undefined ? 'never' : momentOf(last, now)],
    ['Expires', expiry(material.active?.not_after, now)],
    ['Schedule', schedule],
    ['Window', window],
    ['Read by', consumers.join(', ') || undefined],
    [
      'Hits',
      material.impact === undefined
        ? undefined
        : html`<span class="impact">${material.impact}</span>`,
    ],
    ['Contains', contains.join(', ') || undefined],
    ['Previous until', material.overlap_until && momentOf(material.overlap_until, now)],
  ]
  const known = rows.filter(([, value]) => value !== undefined)
  return html`<dl>${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}

function targets({ targets }: MaterialView): Html {
  return html`<h2>Targets</h2><div class="scroll" role="region" aria-label="Targets" tabindex="0"><table><caption class="hidden">Where it is written</caption><thead><tr><th scope="col">Place</th><th scope="col">Type</th><th scope="col">Holds</th><th scope="col">Found</th></tr></thead><tbody>${targets.map(
    ({ path, key, type, part, format, version, live }) =>
      html`<tr><th scope="row"><code>${path}${key !== undefined && ` ${key}`}</code></th><td>${type}</td><td>${[part, format, version].filter(Boolean).join(', ')}</td><td>${live}</td></tr>`,
  )}</tbody></table></div>`
}

function versions({ versions }: MaterialView, now: number): Html {
  const newest = versions.toSorted((a, b) => b.version - a.version)
  return html`<h2>Versions</h2><div class="scroll" role="region" aria-label="Versions" tabindex="0"><table><caption class="hidden">Versions, the newest first</caption><thead><tr><th scope="col">Version</th><th scope="col">State</th><th scope="col">Origin</th><th scope="col">Made</th><th scope="col">Expires</th><th scope="col">Kept until</th><th scope="col">Fingerprint</th></tr></thead><tbody>${newest.map(
    (one) =>
      html`<tr><th scope="row">${one.version}</th><td>${one.state}${one.compromised && html` <b class="badge critical">compromised</b>`}</td><td>${one.origin}</td><td>${momentOf(one.created, now)}</td><td>${expiry(one.not_after, now)}</td><td>${one.keep_until === undefined ? '' : momentOf(one.keep_until, now)}</td><td><code class="head">${one.fingerprint}</code></td></tr>`,
  )}</tbody></table></div>`
}

function history(rotations: readonly RotationView[], now: number): Html {
  if (rotations.length === 0) return html`<p class="muted">No rotation yet.</p>`
  const [newest, ...older] = rotations
  return html`<ol class="rotations">${newest && rotationEntry(newest, now, true)}${older.map((one) => rotationEntry(one, now))}</ol>`
}
