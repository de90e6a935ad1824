import type { RotationView, StepView } from '../../operations/views.ts'
import { formatDuration } from '../../support/duration.ts'
import { type Html, html } from './html.ts'
import { absolute, inlineMoment } from './moment.ts'

/** A rotation in one line, which opens to its steps. @param open whether they show at once */
export function rotationEntry(rotation: RotationView, now: number, open = false): Html {
  const { id, started } = rotation
  return html`<li><details id="r-${id}"${open && html` open`}><summary>${resultOf(rotation)} <b>${changesOf(rotation)}</b> <span class="muted">${inlineMoment(started, now)}${took(rotation, ', ')}</span></summary>${stepLog(rotation)}</details></li>`
}

/** Who and why, every step with how long it took, and how it ended. */
export function stepLog(rotation: RotationView): Html {
  const { id, actor, reason, trigger, started, detail, steps, result } = rotation
  const said =
    result === undefined ? underWay(steps) : `${inWords(rotation)}${took(rotation, ' after ')}`
  return html`<div class="log" data-said="${said}"${result !== undefined && html` data-ended="${result}"`}>
<p class="muted">Asked for by <b>${actor}</b> (${trigger})${reason !== undefined && html`: ${reason}`}, <time datetime="${started}">${absolute(started)} UTC</time>, <a href="/rotations/${id}">${id}</a></p>
<ol class="steps">${steps.map(step)}</ol>${
    detail !== undefined &&
    html`
<p class="why">${detail}</p>`
  }</div>`
}

/** `vapid 3 → 4`, for each member. */
export function changesOf({ changes }: RotationView): string {
  return changes
    .map(({ material, from, to }) => {
      if (to === undefined) return `${material} ${from ?? ''} withdrawn`
      return from === undefined ? `${material} ${to}` : `${material} ${from} → ${to}`
    })
    .join(', ')
}

const severities: Readonly<Record<NonNullable<RotationView['result']>, string>> = {
  succeeded: 'good',
  applied_unproved: 'good',
  rolled_back: 'warning',
  failed: 'critical',
  needs_attention: 'critical',
}

export function resultOf(rotation: RotationView): Html {
  const { result } = rotation
  const severity = result === undefined ? 'rotating' : severities[result]
  return html`<b class="badge ${severity}">${inWords(rotation)}</b>`
}

function inWords({ result }: RotationView): string {
  return result === undefined ? 'under way' : result.replaceAll('_', ' ')
}

function step({ name, subject, direction, outcome, detail, ...times }: StepView): Html {
  const word = outcome ?? 'under way'
  return html`<li class="${outcome ?? 'running'}"><b>${direction === 'back' && 'back: '}${name}</b> <span>${subject}</span> <i>${outcome === 'done' ? html`<span class="hidden">done</span>` : word} ${took(times)}</i>${detail !== undefined && html`<p>${detail}</p>`}</li>`
}

function underWay(steps: readonly StepView[]): string {
  const last = steps.at(-1)
  if (!last) return 'starts'
  const verb = last.outcome === undefined ? '' : ` ${last.outcome}`
  return `step ${steps.length}: ${last.direction === 'back' ? 'back, ' : ''}${last.name}${verb}`
}

function took(
  { started, ended }: { readonly started: string; readonly ended?: string },
  before = '',
): string {
  if (ended === undefined) return ''
  return `${before}${formatDuration(Date.parse(ended) - Date.parse(started)).replace(/(\d)([a-z])/, '$1 $2')}`
}
