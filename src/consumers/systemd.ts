import { z } from 'zod'
import { systemClock } from '../support/clock.ts'
import { OperatorError } from '../support/operator-error.ts'
import { commandUnit, showUnit, type Unit, unitOption } from '../support/systemctl.ts'
import type { Place } from '../targets/target.ts'
import type { Consumer, ConsumerType, Uptake, Verb } from './consumer.ts'
import { readsAgain, startsAnew } from './picks-up.ts'
import { signalOption } from './signal-option.ts'
import { examineUnit } from './unit-examination.ts'
import { unitAccount } from './unit-facts.ts'

/** Between two looks at a unit that is still stopping, in milliseconds. */
const pause = 200

const systemdOptions = z.union([
  unitOption.describe('Name of the service unit.'),
  z.strictObject({
    unit: unitOption.describe('Name of the service unit.'),
    scope: z
      .enum(['system', 'user'])
      .optional()
      .describe('Whose manager runs it: the system (default) or the user rekeyd runs as.'),
    signal: signalOption
      .optional()
      .describe('Signal that the verb `signal` sends to its main process; SIGHUP by default.'),
    systemctl: z
      .string()
      .startsWith('/')
      .optional()
      .describe('Path of systemctl, where it is in no usual place.'),
  }),
])
type SystemdOptions = z.infer<typeof systemdOptions>

/** A service unit, reached by systemctl. */
export const systemd: ConsumerType<SystemdOptions> = {
  schema: systemdOptions,
  create(options) {
    const named = typeof options === 'string' ? { unit: options } : options
    return new SystemdConsumer(named, named.signal ?? 'SIGHUP')
  },
}

class SystemdConsumer implements Consumer {
  readonly canStop = true
  readonly #unit: Unit
  readonly #signal: string

  constructor(unit: Unit, signal: string) {
    this.#unit = unit
    this.#signal = signal
  }

  /**
   * Permission cannot be asked of polkit without trying; `reset-failed` on a unit that has not failed
   * changes nothing and needs the same one as the other verbs.
   */
  async check(signal: AbortSignal): Promise<void> {
    const { load, active } = await showUnit(this.#unit, signal)
    if (load !== 'loaded') {
      throw new OperatorError(`unit ${this.#unit.unit} cannot be used: it is ${load}`, {
        kind: 'config',
        hint: 'check the name; after adding or changing a unit file run systemctl daemon-reload',
      })
    }
    if (active === 'active') await commandUnit(this.#unit, 'reset-failed', signal)
  }

  async stop(signal: AbortSignal): Promise<void> {
    await commandUnit(this.#unit, 'stop', signal)
    for (;;) {
      const { active } = await showUnit(this.#unit, signal)
      if (active === 'inactive' || active === 'failed') return
      if (active === 'active') {
        throw new OperatorError(`unit ${this.#unit.unit} runs again right after it was stopped`, {
          hint: `see what triggers it: systemctl list-dependencies --reverse ${this.#unit.unit}`,
        })
      }
      await systemClock.sleep(pause, signal)
    }
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#forgive(signal)
    await commandUnit(this.#unit, 'start', signal)
  }

  async apply(verb: Verb, signal: AbortSignal): Promise<void> {
    switch (verb) {
      case 'none':
        return
      case 'signal': {
        const options = [`--signal=${this.#signal}`, '--kill-who=main']
        return commandUnit(this.#unit, 'kill', signal, options)
      }
      case 'reload':
        return commandUnit(this.#unit, 'reload', signal)
      case 'restart':
      case 'recreate':
        await this.#forgive(signal)
        return commandUnit(this.#unit, 'restart', signal)
      case 'stop-start':
        await this.stop(signal)
        return this.start(signal)
    }
  }

  picksUp: Consumer['picksUp'] = (verb, place) => startsAnew(verb) || readsAgain(verb, place)

  examine(uptake: Uptake, signal: AbortSignal) {
    return examineUnit(this.#unit, uptake, signal)
  }

  account({ path, reads }: Place, signal: AbortSignal) {
    return unitAccount(this.#unit, reads === 'environment' ? undefined : path, signal)
  }

  /**
   * Clears an earlier failure, so that the fifth start within ten seconds is not refused
   * (`start-limit-hit`). A unit that is not loaded has none to clear, and the start itself tells the rest.
   */
  async #forgive(signal: AbortSignal): Promise<void> {
    await commandUnit(this.#unit, 'reset-failed', signal).catch(() => signal.throwIfAborted())
  }
}
