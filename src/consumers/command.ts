import { z } from 'zod'
import { argvOption, checkProgram } from '../support/argv-option.ts'
import { doCommand } from '../support/command-contract.ts'
import { OperatorError } from '../support/operator-error.ts'
import type { Consumer, ConsumerType, Verb } from './consumer.ts'
import { readsAgain, startsAnew } from './picks-up.ts'

/** The consumer's `timeouts` end a program sooner; this only ends what hangs. */
const longest = 15 * 60_000

const commandOptions = z
  .strictObject({
    stop: argvOption.optional().describe('Stops it and returns when it no longer runs.'),
    start: argvOption.optional().describe('Starts it; started already is success.'),
    restart: argvOption.optional().describe('Restarts it; `stop` and `start` by default.'),
    reload: argvOption.optional().describe('Makes it read its files again.'),
    signal: argvOption.optional().describe('Signals it.'),
    recreate: argvOption.optional().describe('Makes it anew, with its environment.'),
  })
  .refine(
    (programs) => Object.keys(programs).length > 0,
    'needs at least one of stop, start, restart, reload, signal, recreate',
  )
type CommandOptions = z.infer<typeof commandOptions>

/** A consumer that programs of the operator's stop, start or reload, by the one command contract. */
export const command: ConsumerType<CommandOptions> = {
  schema: commandOptions,
  create: (options) => new CommandConsumer(options),
}

class CommandConsumer implements Consumer {
  readonly canStop: boolean
  readonly #programs: CommandOptions

  constructor(programs: CommandOptions) {
    this.#programs = programs
    this.canStop = programs.stop !== undefined && programs.start !== undefined
  }

  async check(): Promise<void> {
    for (const argv of Object.values(this.#programs)) if (argv) checkProgram(argv)
  }

  stop(signal: AbortSignal): Promise<void> {
    return this.#run('stop', signal)
  }

  start(signal: AbortSignal): Promise<void> {
    return this.#run('start', signal)
  }

  async apply(verb: Verb, signal: AbortSignal): Promise<void> {
    if (verb === 'none') return
    if (verb !== 'stop-start' && this.#programs[verb]) return this.#run(verb, signal)
    if (!startsAnew(verb)) return this.#run(verb as 'signal' | 'reload', signal)
    await this.stop(signal)
    await this.start(signal)
  }

  picksUp: Consumer['picksUp'] = (verb, place) => {
    if (verb === 'none') return readsAgain(verb, place)
    const possible =
      (verb !== 'stop-start' && this.#programs[verb] !== undefined) ||
      (startsAnew(verb) && this.canStop)
    return possible && (startsAnew(verb) || readsAgain(verb, place))
  }

  async #run(name: keyof CommandOptions, signal: AbortSignal): Promise<void> {
    const argv = this.#programs[name]
    if (!argv) {
      throw new OperatorError(`there is no command to ${name} it`, {
        kind: 'config',
        hint: `add \`${name}: [/path/to/program]\` to the consumer's \`command\``,
      })
    }
    await doCommand({ argv, signal, timeout: longest })
  }
}
