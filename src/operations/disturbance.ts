import type { Verb } from '../consumers/consumer.ts'
import type { Rotation } from '../model/rotation.ts'
import type { ManagedConsumer } from '../rotation/managed.ts'
import { consumerSteps, type Member, placementsOf } from '../rotation/plan.ts'
import type { Disturbance } from './outlook.ts'

/** Of how many of the last rotations the middle is taken. */
const remembered = 5
const disturbing: ReadonlySet<Verb> = new Set(['restart', 'recreate', 'stop-start'])

/** What a rotation of the member would do to its consumers. @param history newest first */
export function disturbances(member: Member, history: readonly Rotation[]): readonly Disturbance[] {
  return whoIsHit(member).map(({ managed, verb }) => {
    const { name, timeouts } = managed
    if (!disturbing.has(verb)) return { consumer: name, verb }
    const usual = middle(downtimes(name, history).slice(0, remembered))
    const stop = verb === 'stop-start' ? timeouts.stop : 0
    return {
      consumer: name,
      verb,
      ...(usual !== undefined && { usual_seconds: usual / 1000 }),
      at_most_seconds: (stop + timeouts.start + timeouts.ready) / 1000,
    }
  })
}

function whoIsHit(member: Member): readonly { managed: ManagedConsumer; verb: Verb }[] {
  const { kind, consumers } = member.material
  if (kind.madeBy === 'rekeyd') return consumerSteps(placementsOf([member]))
  return kind.offline ? consumers.map((managed) => ({ managed, verb: 'stop-start' })) : []
}

/** From its stop, or the verb where it was not stopped, until it was ready again. Milliseconds. */
function downtimes(consumer: string, history: readonly Rotation[]): readonly number[] {
  return history.flatMap(({ steps }) => {
    const own = steps.filter(({ subject, direction }) => {
      return subject === consumer && direction === 'forward'
    })
    const resumed = own.find(({ name, outcome }) => name === 'resume' && outcome === 'done')
    if (resumed?.ended === undefined) return []
    const down = own.find(({ name }) => name === 'quiesce') ?? resumed
    return [Math.max(0, resumed.ended - down.started)]
  })
}

function middle(numbers: readonly number[]): number | undefined {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]
}
