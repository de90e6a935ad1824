import { impactText } from '../../operations/impact.ts'
import type { Disturbance } from '../../operations/outlook.ts'
import type { DryRun } from '../../operations/views.ts'
import { formatDuration } from '../../support/duration.ts'
import { absolute } from './moments.ts'
import { plain } from './style.ts'

/** What a rotation would do, to whom and for how long, and what would come after it. */
export function dryRunText(view: DryRun): string {
  const { material, steps, consumers, window, impact, impact_count } = view
  const after: readonly (readonly [string, string | undefined])[] = [
    ['due by itself', view.next_rotation && absolute(view.next_rotation)],
    ['due again after it', view.due_again && absolute(view.due_again)],
    ['clients may use the old one until', view.overlap_until && absolute(view.overlap_until)],
    ['window', window],
    ['impact', impact && impactText(impact, impact_count)],
  ]
  return [
    `a rotation of ${material} would`,
    ...steps.map((step, index) => `  ${index + 1}. ${step}`),
    ...consumers.map(disturbanceLine),
    ...after.flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
  ]
    .map((line) => `${plain(line)}\n`)
    .join('')
}

function disturbanceLine({ consumer, verb, usual_seconds, at_most_seconds }: Disturbance): string {
  if (at_most_seconds === undefined) return `${consumer} goes on running (${verb})`
  const usual = usual_seconds === undefined ? undefined : formatDuration(usual_seconds * 1000)
  const limit = formatDuration(at_most_seconds * 1000)
  const long =
    usual === undefined ? `at most ${limit}, not measured yet` : `about ${usual}, at most ${limit}`
  return `${consumer} is down (${verb}): ${long}`
}
