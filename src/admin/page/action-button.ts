import type { Scope } from '../../api-tokens/api-token.ts'
import type { MaterialView } from '../../operations/views.ts'
import { type Html, html } from './html.ts'
import { may, type Visitor } from './visitor.ts'

/** What the page can start. Everything else is the command's business. */
export type Action = 'rotate' | 'pause' | 'resume' | 'approve' | 'rollback'

const labels: Readonly<Record<Action, string>> = {
  rotate: 'Rotate',
  pause: 'Pause',
  resume: 'Resume',
  approve: 'Approve',
  rollback: 'Roll back',
}
const needs: Readonly<Record<Action, Scope>> = {
  rotate: 'rotate',
  pause: 'rotate',
  resume: 'rotate',
  approve: 'rotate',
  rollback: 'admin',
}

/** A button that opens the dialog; nothing where the visitor may not do it. It shows only while the script runs. */
export function actionButton(action: Action, material: MaterialView, visitor: Visitor): Html {
  if (!may(visitor, needs[action])) return html``
  const { name } = material
  const to = action === 'rollback' ? previousOf(material) : undefined
  const version = to === undefined ? '' : html` to version ${to}`
  return html`<button type="button" class="act" id="${action}-${name}" data-do="${action}" data-name="${name}"${to === undefined ? '' : html` data-to="${to}"`} aria-haspopup="dialog">${labels[action]}${version}<span class="hidden"> ${name}</span>…</button>`
}

/** The one thing that is likeliest to be wanted. */
export function likeliest({ state }: MaterialView): Action | undefined {
  if (state === 'rotating') return undefined
  if (state === 'awaiting_approval') return 'approve'
  return state === 'paused' || state === 'suspended' ? 'resume' : 'rotate'
}

/** What `resume` ends. */
const waits: ReadonlySet<MaterialView['state']> = new Set([
  'paused',
  'suspended',
  'needs_attention',
])

/** All that fits the state of a material. */
export function fitting(material: MaterialView): readonly Action[] {
  const { state } = material
  if (state === 'rotating') return []
  return [
    ...(state === 'awaiting_approval' ? (['approve'] as const) : []),
    'rotate',
    ...(waits.has(state) ? (['resume'] as const) : (['pause'] as const)),
    ...(previousOf(material) === undefined ? [] : (['rollback'] as const)),
  ]
}

/** The newest version that can be given back. */
function previousOf({ versions }: MaterialView): number | undefined {
  const kept = versions.filter(
    ({ state, compromised }) => !compromised && (state === 'retiring' || state === 'withdrawn'),
  )
  return kept.length === 0 ? undefined : Math.max(...kept.map(({ version }) => version))
}
