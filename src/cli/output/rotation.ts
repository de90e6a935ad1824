import type { RotationResult } from '../../model/rotation.ts'
import type { RotationView, StepView } from '../../operations/views.ts'
import { formatDuration } from '../../support/duration.ts'
import { type ErrorKind, OperatorError } from '../../support/operator-error.ts'
import { absolute } from './moments.ts'
import { type Colour, plain, type Style } from './style.ts'
import { type Cell, table } from './table.ts'

const colours: Readonly<Record<RotationResult, Colour>> = {
  succeeded: 'green',
  applied_unproved: 'green',
  rolled_back: 'yellow',
  failed: 'red',
  needs_attention: 'red',
}

/** The steps taken, as a table. */
export function stepTable({ steps }: RotationView, style: Style): string {
  const rows = steps.map((step) => [
    step.direction === 'back' ? `back: ${step.name}` : step.name,
    step.subject ?? '',
    outcomeOf(step),
    took(step),
    step.detail ?? '',
  ])
  return table(['STEP', 'SUBJECT', 'OUTCOME', 'TOOK', 'DETAIL'], rows, style)
}

/** One step that has ended, as it is shown while the rotation goes on. */
export function stepLine(step: StepView, style: Style): string {
  const failed = step.outcome === 'failed'
  const mark = failed ? style('red', 'failed') : style('green', 'done')
  const words = [step.direction === 'back' && 'back:', step.name, step.subject].filter(Boolean)
  const detail = failed && step.detail ? `: ${plain(step.detail)}` : ''
  return `  ${mark} ${plain(words.join(' '))} (${took(step)})${detail}`
}

/** Rotations, newest first, as a table. */
export function rotationTable(rotations: readonly RotationView[], style: Style): string {
  const rows = rotations.map((rotation) => [
    absolute(rotation.started),
    resultCell(rotation.result),
    changesOf(rotation),
    rotation.trigger,
    rotation.actor,
    rotation.id,
    rotation.detail ?? rotation.reason ?? '',
  ])
  return table(['STARTED', 'RESULT', 'CHANGE', 'TRIGGER', 'WHO', 'ID', 'DETAIL'], rows, style)
}

/** The good end of a rotation in one line. */
export function successLine(rotation: RotationView): string {
  const used = rotation.changes.some(({ to }) => to !== undefined)
  const proof =
    rotation.result === 'applied_unproved'
      ? 'done, but nothing proved it (no verifier)'
      : `${used ? 'in use, and ' : ''}proved`
  return `${changesOf(rotation)}: ${proof} (${took(rotation)})\n`
}

/** What to tell of a rotation that did not succeed; undefined when it did. */
export function failureOf(rotation: RotationView): OperatorError | undefined {
  const { id, result = 'failed', detail } = rotation
  const ends: Partial<Record<RotationResult, readonly [kind: ErrorKind, said: string]>> = {
    rolled_back: ['rolled-back', 'was rolled back'],
    failed: ['failed', 'failed'],
    needs_attention: ['needs-attention', 'needs attention'],
  }
  const [kind, said] = ends[result] ?? []
  if (kind === undefined) return undefined
  const why = detail === undefined ? '' : `: ${detail}`
  return new OperatorError(`the rotation of ${namesOf(rotation)} ${said}${why}`, {
    kind,
    hint: `\`rekeyd history --id ${id}\` shows its steps`,
  })
}

/** `vapid 3 → 4`, for each member. */
export function changesOf({ changes }: RotationView): string {
  return changes.map(changeText).join(', ')
}

function changeText({ material, from, to }: RotationView['changes'][number]): string {
  if (to === undefined) return `${material} ${from ?? ''} withdrawn`
  return from === undefined ? `${material} ${to}` : `${material} ${from} → ${to}`
}

function namesOf({ changes }: RotationView): string {
  return changes.map(({ material }) => material).join(', ')
}

function resultCell(result: RotationResult | undefined): Cell {
  if (result === undefined) return { text: 'under way', colour: 'cyan' }
  return { text: result, colour: colours[result] }
}

function outcomeOf({ outcome }: StepView): Cell {
  if (outcome === undefined) return { text: 'under way', colour: 'cyan' }
  return { text: outcome, colour: outcome === 'done' ? 'green' : 'red' }
}

function took({ started, ended }: { readonly started: string; readonly ended?: string }): string {
  return ended === undefined ? '' : formatDuration(Date.parse(ended) - Date.parse(started))
}
