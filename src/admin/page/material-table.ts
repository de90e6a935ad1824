import type { MaterialView } from '../../operations/views.ts'
import { worstFirst } from '../../operations/worst-first.ts'
import { actionButton, likeliest } from './action-button.ts'
import { type Html, html } from './html.ts'
import { momentOf } from './moment.ts'
import { stateOf } from './state.ts'
import { type Course, scaleOf, timeline } from './timeline.ts'
import type { Visitor } from './visitor.ts'

/** How soon an end of validity is shown in colour, in milliseconds. */
const soon = 14 * 86_400_000

/** All materials, the worst first. */
export function materialTable(
  materials: readonly MaterialView[],
  courses: (name: string) => Course,
  visitor: Visitor,
  now: number,
): Html {
  const rows = worstFirst(materials, now).map((material) => {
    return row(material, courses(material.name), visitor, now)
  })
  return html`<table class="materials">
<caption class="hidden">Materials, the worst first. Times are UTC.</caption>
<thead><tr><th scope="col">Material</th><th scope="col">State</th><th scope="col">Last</th><th scope="col">Next</th><th scope="col">Expires</th><th scope="col"><span class="hidden">From 30 days ago to 90 days ahead</span>${scaleOf(now)}</th><th scope="col"><span class="hidden">Action</span></th></tr></thead>
<tbody>${rows}</tbody>
</table>`
}

function row(material: MaterialView, course: Course, visitor: Visitor, now: number): Html {
  const { active, last_rotation: last } = material
  const action = likeliest(material)
  return html`
<tr><th scope="row">${nameOf(material)}</th><td class="state">${stateOf(material, now)}</td><td class="last">${last === undefined ? 'never' : momentOf(last, now)}</td><td class="next">${nextOf(material, now)}</td><td class="ends">${expiry(active?.not_after, now)}</td><td class="course">${timeline(material, course, now)}</td><td class="do">${action && actionButton(action, material, visitor)}</td></tr>`
}

function nameOf({ name, kind, schedule, active, consumers, impact }: MaterialView): Html {
  const version = active === undefined ? 'no version' : `version ${active.version}`
  const readers = consumers.length > 0 && html`, read by ${consumers.join(', ')}`
  return html`<a href="/materials/${name}">${name}</a><small>${kind}, ${version}, ${schedule}${readers}</small>${impact !== undefined && html`<small class="impact"><b>Hits</b> ${impact}</small>`}`
}

/** When it is due next; where no time is known, what it waits for. */
export function nextOf(
  { next_rotation: due, next_attempt: attempt, schedule }: MaterialView,
  now: number,
): Html | string {
  if (attempt !== undefined && Date.parse(attempt) > now) return momentOf(attempt, now)
  return due === undefined ? schedule : momentOf(due, now)
}

export function expiry(end: string | undefined, now: number): Html | string {
  if (end === undefined) return 'never'
  const near = Date.parse(end) < now + soon
  return near ? html`<span class="soon">${momentOf(end, now)}</span>` : momentOf(end, now)
}
