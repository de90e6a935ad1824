import type { PlanItem } from '../../operations/views.ts'
import { type Html, html } from './html.ts'
import { momentOf } from './moment.ts'

const verbs: Readonly<Record<PlanItem['action'], string>> = {
  rotate: 'rotates',
  announce: 'is made and announced',
  'end-overlap': 'ends its overlap',
  destroy: 'loses an old version for good',
  expires: 'expires',
}

/** What happens next, and to whom. */
export function upcomingList(plan: readonly PlanItem[], now: number): Html {
  if (plan.length === 0) return html`<p class="muted">Nothing is planned within 90 days.</p>`
  return html`<ol class="upcoming">${plan.map((item) => entry(item, now))}</ol>`
}

function entry({ at, material, action, window, consumers, note }: PlanItem, now: number): Html {
  const hits = action === 'rotate' || action === 'end-overlap' ? consumers : []
  const notes = [
    hits.length > 0 && `${hits.join(', ')} takes it up`,
    window !== undefined && `window ${window}`,
    note,
  ].filter((text) => typeof text === 'string')
  return html`<li>${momentOf(at, now)}<span><b>${material}</b> ${verbs[action]}${notes.length > 0 && html`<small>${notes.join('; ')}</small>`}</span></li>`
}
