import type { MaterialView, PlanItem, RotationView } from '../../operations/views.ts'
import { type Html, html } from './html.ts'
import { absolute } from './moment.ts'

const day = 86_400_000
/** Days that a timeline looks back and ahead. */
export const daysBack = 30
export const daysAhead = 90
/** Units of the drawing a day. */
const scale = 2
const width = (daysBack + daysAhead) * scale
const middle = 9

/** What happened and will happen, by material. */
export interface Course {
  readonly past: readonly RotationView[]
  readonly planned: readonly PlanItem[]
}

/** Sorts rotations and plan by material. */
export function coursesOf(
  rotations: readonly RotationView[],
  plan: readonly PlanItem[],
): (name: string) => Course {
  const past = new Map<string, RotationView[]>()
  for (const rotation of rotations) {
    for (const { material } of rotation.changes) {
      past.set(material, [...(past.get(material) ?? []), rotation])
    }
  }
  const planned = Map.groupBy(plan, ({ material }) => material)
  return (name) => ({ past: past.get(name) ?? [], planned: planned.get(name) ?? [] })
}

interface Mark {
  readonly at: string
  readonly shape: (x: number) => Html
  readonly words: string
}

/** One material from 30 days ago to 90 days ahead: a drawing whose title says the same in words. */
export function timeline(material: MaterialView, course: Course, now: number): Html {
  const marks = [...pastMarks(course), ...plannedMarks(course), ...endMarks(material)].flatMap(
    (mark) => {
      const x = position(mark.at, now)
      return x === undefined ? [] : [{ ...mark, x }]
    },
  )
  const words = marks.toSorted((a, b) => a.x - b.x).map(({ words }) => words)
  return html`<svg class="line" viewBox="0 0 ${width} 18" role="img"><title>${words.length > 0 ? words.join('; ') : 'nothing from 30 days ago to 90 days ahead'}</title><path class="axis" d="M0 ${middle}H${width}"/>${overlap(material, now)}<path class="now" d="M${daysBack * scale} 1v16"/>${marks.map(({ x, shape }) => shape(x))}</svg>`
}

/** The months, over the column of timelines. */
export function scaleOf(now: number): Html {
  const first = new Date(now - daysBack * day)
  const months = Array.from({ length: 5 }, (_, index) =>
    Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1 + index, 1),
  ).filter((month) => month < now + (daysAhead - 8) * day)
  const label = (month: number) =>
    new Date(month).toLocaleString('en', { month: 'short', timeZone: 'UTC' })
  const x = (month: number) => position(new Date(month).toISOString(), now) ?? 0
  return html`<svg class="line scale" viewBox="0 0 ${width} 18" aria-hidden="true">${months.map(
    (month) =>
      html`<path class="axis" d="M${x(month)} 3v15"/><text x="${x(month) + 3}" y="14">${label(month)}</text>`,
  )}<path class="now" d="M${daysBack * scale} 1v17"/></svg>`
}

function pastMarks({ past }: Course): Mark[] {
  return past.map(({ started, result, trigger }) => {
    const good = result === 'succeeded' || result === 'applied_unproved' || result === undefined
    return {
      at: started,
      words: `${trigger}: ${(result ?? 'under way').replaceAll('_', ' ')} ${absolute(started)}`,
      shape: (x) =>
        good
          ? html`<circle class="ok" cx="${x}" cy="${middle}" r="3.5"/>`
          : html`<path class="bad" d="M${x - 3} ${middle - 3}l6 6m0-6l-6 6"/>`,
    }
  })
}

function plannedMarks({ planned }: Course): Mark[] {
  return planned.flatMap(({ at, action }) => {
    if (action !== 'rotate') return []
    const shape = (x: number) => html`<circle class="plan" cx="${x}" cy="${middle}" r="3.5"/>`
    return [{ at, words: `planned ${absolute(at)}`, shape }]
  })
}

function endMarks({ active }: MaterialView): Mark[] {
  const end = active?.not_after
  if (end === undefined) return []
  const shape = (x: number) => html`<path class="end" d="M${x} 3v12"/>`
  return [{ at: end, words: `expires ${absolute(end)}`, shape }]
}

/** How long clients may still use the previous version. */
function overlap({ overlap_until: until }: MaterialView, now: number): Html | false {
  if (until === undefined || Date.parse(until) <= now) return false
  const end = position(until, now) ?? width
  return html`<path class="overlap" d="M${daysBack * scale} ${middle}H${end}"/>`
}

/** Where a moment is; nothing for what is beyond either side. */
function position(time: string, now: number): number | undefined {
  const days = (Date.parse(time) - now) / day
  if (days < -daysBack || days > daysAhead) return undefined
  return Math.round((days + daysBack) * scale * 10) / 10
}
