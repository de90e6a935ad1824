import { join } from 'node:path'
import { assembleMaterials } from '../../../src/assembly/materials.ts'
import { catalogs } from '../../../src/config/catalogs.ts'
import { loadConfig } from '../../../src/config/load.ts'
import type { Consumer } from '../../../src/consumers/consumer.ts'
import { Events } from '../../../src/model/events.ts'
import type { Edition } from '../../../src/model/version.ts'
import { Engine } from '../../../src/rotation/engine.ts'
import type { ManagedMaterial } from '../../../src/rotation/managed.ts'
import type { Outcome } from '../../../src/rotation/outcome.ts'
import { openStore } from '../../../src/store/store.ts'
import type { Target } from '../../../src/targets/target.ts'
import type { Verdict, Verifier } from '../../../src/verifiers/verifier.ts'
import { HurryingClock } from '../../fakes/hurrying-clock.ts'

/** Passed before and after everything that the engine does to the world: the moments at which others act. */
export type Moment = () => Promise<void>

export type Verdicts = Readonly<Record<string, 'yes' | 'no' | 'late no' | 'could not tell'>>

/**
 * An engine on a real store and the real targets of a config; the consumer and its verifiers are played.
 * @param verdictOn what becomes of a version that was not in use before
 */
export async function openEngine(folder: string, moment: Moment, verdictOn: () => Verdicts) {
  const clock = new HurryingClock(Date.now())
  const config = await loadConfig({ path: join(folder, 'rekeyd.yaml'), now: clock.now() })
  const { stateDir, storeKey } = config
  const store = await openStore({ stateDir, storeKey, clock })
  const { keys, journal, schedule } = store
  const materials = assembleMaterials(config, catalogs, keys, clock).map(({ managed }) =>
    played(managed, moment, verdictOn, (number) => keys.get(managed.name, number)?.activeSince),
  )
  const settle = (outcome: Outcome) => {
    const { attention: _, ...state } = schedule.get(outcome.material)
    if (outcome.result !== 'needs_attention') return state
    return { ...state, attention: outcome.detail ?? outcome.result }
  }
  const engine = new Engine(
    {
      keys,
      journal,
      schedule,
      clock,
      settle,
      events: new Events(),
      bootId: 'this',
      archive: async () => {},
    },
    materials,
  )
  return { engine, store, targets: materials.flatMap(({ targets }) => targets) }
}

function played(
  managed: ManagedMaterial,
  moment: Moment,
  verdictOn: () => Verdicts,
  activeSince: (version: number) => number | undefined,
): ManagedMaterial {
  const consumers = managed.consumers.map((one) => ({ ...one, consumer: consumer(moment) }))
  const targets = managed.targets.map((target) => watched(target, moment))
  const asked = new Map<number, number>()
  const verifier: Verifier = {
    type: 'played',
    subject: managed.name,
    proves: true,
    async accepts({ version: { number } }: Edition) {
      await moment()
      asked.set(number, (asked.get(number) ?? 0) + 1)
      if (number === 0 || activeSince(number) !== undefined) return yes
      const verdict = verdictOn()[managed.name]
      if (verdict === 'could not tell') throw new Error('it hangs')
      const isNo = verdict === 'no' || (verdict === 'late no' && asked.get(number) !== 1)
      return isNo ? { yes: false, reason: 'played' } : yes
    },
    ready: async () => yes,
  }
  return { ...managed, consumers, targets, verifiers: [verifier] }
}

const yes: Verdict = { yes: true }

function consumer(moment: Moment): Consumer {
  return {
    canStop: true,
    check: moment,
    stop: moment,
    start: moment,
    apply: moment,
    picksUp: (verb) => verb !== 'none',
  }
}

const acts = ['check', 'stage', 'activate', 'withdraw', 'inspect', 'tidy'] as const

function watched(target: Target, moment: Moment): Target {
  return new Proxy(target, {
    get(real, name: string) {
      const found: unknown = Reflect.get(real, name, real)
      if (typeof found !== 'function') return found
      const method = found.bind(real) as (...args: unknown[]) => Promise<unknown>
      if (!acts.some((act) => act === name)) return method
      return async (...args: unknown[]) => {
        await moment()
        const result = await method(...args)
        await moment()
        return result
      }
    },
  })
}
