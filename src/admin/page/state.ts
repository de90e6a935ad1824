import { standingOf } from '../../operations/standing.ts'
import type { MaterialView } from '../../operations/views.ts'
import { type Html, html } from './html.ts'
import { inlineMoment } from './moment.ts'

/** The state in words, how bad it is, and what to do about it. @param now epoch milliseconds */
export function stateOf(material: MaterialView, now: number): Html {
  const { severity, problems } = standingOf(material, now)
  const expired = problems.includes('expired') && html` <b class="badge critical">expired</b>`
  const shown = severity === 'ok' ? material.state : severity
  return html`<b class="badge ${shown}">${material.state.replaceAll('_', ' ')}</b>${expired}${notes(material, now)}`
}

function notes(material: MaterialView, now: number): readonly Html[] {
  const { reason, drift } = material
  const advice = adviceFor(material, now)
  return [
    ...(reason === undefined ? [] : [html`<p class="why">${reason}</p>`]),
    ...(advice === undefined ? [] : [html`<p class="do">${advice}</p>`]),
    ...drift.map(
      ({ place, detail }) => html`<p class="why"><b>Drift</b> at ${place}: ${detail}</p>`,
    ),
  ]
}

/** What comes next, or what a person has to do; nothing where all is well. */
function adviceFor(material: MaterialView, now: number): Html | undefined {
  const { state, next_attempt: attempt, paused } = material
  const tried = attempt === undefined ? html`` : html`Tried again ${inlineMoment(attempt, now)}.`
  const advice: Partial<Record<MaterialView['state'], Html>> = {
    needs_attention: html`See its last rotation; then rotate it again, or <code>rekeyd adopt</code> what is live.`,
    suspended: html`Not tried any more. Resume it once the cause is gone.`,
    retrying: tried,
    awaiting_approval: html`Due, and waits for you to approve it.`,
    paused: html`By ${paused?.who ?? 'somebody'}, ${paused?.until === undefined ? 'until it is resumed' : html`until ${inlineMoment(paused.until, now)}`}.`,
  }
  return advice[state] ?? driftAdvice(material)
}

function driftAdvice({ name, drift }: MaterialView): Html | undefined {
  if (drift.length === 0) return undefined
  return html`<code>rekeyd adopt ${name}</code> takes what is live, <code>rekeyd apply ${name}</code> writes what is active.`
}
