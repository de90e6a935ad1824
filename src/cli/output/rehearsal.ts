import type { RehearsalView } from '../../operations/outlook.ts'
import { formatDuration } from '../../support/duration.ts'
import type { Colour, Style } from './style.ts'
import { table } from './table.ts'

type Outcome = RehearsalView['steps'][number]['outcome']

const outcomes: Readonly<Record<Outcome, readonly [word: string, colour: Colour]>> = {
  done: ['done', 'green'],
  failed: ['failed', 'red'],
  not_exercised: ['not exercised', 'dim'],
}

/** The steps, and what the rehearsal as a whole says. */
export function rehearsalText({ material, ok, steps }: RehearsalView, style: Style): string {
  const rows = steps.map(({ name, subject = '', outcome, seconds, detail = '' }) => {
    const [text, colour] = outcomes[outcome]
    const took = seconds === undefined ? '' : formatDuration(seconds * 1000)
    return [name, subject, { text, colour }, took, detail]
  })
  const left = steps.filter(({ outcome }) => outcome === 'not_exercised').length
  const verdict = ok ? style('green', 'nothing failed') : style('red', 'it would fail')
  const rest = `${left} ${left === 1 ? 'step was' : 'steps were'} not exercised, and nothing was kept`
  return `${table(['STEP', 'SUBJECT', 'OUTCOME', 'TOOK', 'DETAIL'], rows, style)}rehearsal of ${material}: ${verdict}; ${rest}\n`
}
