import type { Kind } from '../materials/kind.ts'
import { Window, whyUnsatisfiable } from '../scheduler/window.ts'
import { formatDuration } from '../support/duration.ts'
import type { Config } from './config.ts'
import type { Instances, MaterialInstance } from './instances.ts'
import type { Problem } from './problem.ts'

/** Windows that are never met, and schedules that do not fit what they are for. `now` is epoch milliseconds. */
export function scheduleProblems(config: Config, instances: Instances, now: number): Problem[] {
  const windows = new Map(
    config.windows.map((window) => [window.name, new Window(window.name, window)]),
  )
  const never = config.windows.filter(({ name }) => windows.get(name)?.longestGap(now) === Infinity)
  return [
    ...never.map(({ name, cron }) => ({
      path: ['windows', name, 'cron'],
      message: `window \`${name}\` never opens: no calendar has the date of "${cron.slice(0, 40)}"`,
    })),
    ...instances.materials.flatMap((material) => [
      ...fitProblems(material),
      ...windowProblems(material, windows, now),
      ...spanProblems(material),
    ]),
  ]
}

function windowProblems(
  { path, config, schedule }: MaterialInstance,
  windows: ReadonlyMap<string, Window>,
  now: number,
): Problem[] {
  const window = config.window && windows.get(config.window.name)
  // One that never opens is reported once, where it is defined.
  if (!window || !schedule || window.longestGap(now) === Infinity) return []
  const why = whyUnsatisfiable(window, schedule, now)
  return why === undefined ? [] : [{ path: [...path, 'rotate'], message: why }]
}

/** Whether the schedule can ever do something with this kind. */
function fitProblems(material: MaterialInstance): Problem[] {
  const { schedule } = material.config
  const why = material.kind && misfits[schedule.type]?.(material.kind, material)
  return why === undefined ? [] : [{ path: [...material.path, 'rotate'], message: why }]
}

type Misfit = (kind: Kind, material: MaterialInstance) => string | undefined

const cannotProvoke: Misfit = (kind) =>
  kind.madeBy === 'rekeyd' || kind.provoke
    ? undefined
    : 'rekeyd cannot make the consumer rotate: give a `trigger` or `reset`'

/** Why a schedule is of no use for a kind, by the schedule's name in the catalog. */
const misfits: Readonly<Record<string, Misfit>> = {
  every: cannotProvoke,
  cron: cannotProvoke,
  before_expiry: (_, { expires, config }) =>
    expires
      ? undefined
      : `\`before_expiry\` needs a kind that expires; ${config.kind.type} does not`,
  on_change: (kind) =>
    kind.madeBy === 'rekeyd' && kind.changed
      ? undefined
      : '`on_change` needs an issuer that changes by itself: kind tls with `issuer: { files: … }`',
  watch: (kind, { config }) =>
    kind.madeBy === 'consumer'
      ? undefined
      : `\`watch\` is for kind consumer-made; ${config.kind.type} is made by rekeyd`,
}

function spanProblems({ path, config, schedule }: MaterialInstance): Problem[] {
  const { keep, overlap, announce } = config
  const interval = config.schedule.type === 'every' ? schedule?.patience : undefined
  const problems: Problem[] = []
  if (keep < overlap) {
    problems.push({
      path: [...path, 'overlap'],
      message: `\`keep\` (${formatDuration(keep)}) must not be shorter than \`overlap\` (${formatDuration(overlap)})`,
    })
  }
  for (const [name, span] of Object.entries({ overlap, announce })) {
    if (interval === undefined || span <= interval) continue
    problems.push({
      path: [...path, name],
      message: `\`${name}\` must not be longer than the interval (${formatDuration(interval)})`,
    })
  }
  return problems
}
