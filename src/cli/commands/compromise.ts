import { type Command, Option } from 'commander'
import type { OnFailure } from '../../model/version.ts'
import { usualOnFailure } from '../../operations/on-failure.ts'
import type { Operations } from '../../operations/operations.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { aftermath } from '../output/compromise.ts'
import { failureOf, successLine } from '../output/rotation.ts'
import { accepted, declined } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'

interface CompromiseFlags {
  readonly onFailure?: OnFailure
  readonly purge?: true
  readonly acceptImpact?: string
}

const choices: readonly string[] = ['stay-down', 'old'] satisfies readonly OnFailure[]

export function addCompromise(program: Command, session: Session): void {
  program
    .command('compromise')
    .description('somebody else has it: replace it at once, without overlap or window')
    .argument('<name>', 'material')
    .addOption(new Option('--on-failure <choice>', 'if the new one does not work').choices(choices))
    .option('--purge', 'delete the backups made before, too: they contain it')
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, flags: CompromiseFlags) => {
      await session.connected(async (operations) => {
        const acceptance = await accepted(session, operations, name, flags.acceptImpact)
        const onFailure = flags.onFailure ?? (await askOnFailure(session, operations, name))
        const options = {
          ...acceptance,
          ...(onFailure && { on_failure: onFailure }),
          ...(flags.purge && { purge: true }),
        }
        const view = await operations.compromise(name, options, session.caller('compromise'))
        const failure = failureOf(view)
        session.answer(
          view,
          () => `${failure ? '' : successLine(view)}${aftermath(name, view, session.style)}`,
        )
        if (failure) session.fail(failure)
        else if (view.purge_failed !== undefined) session.fail(notPurged(name, view.purge_failed))
      })
    })
}

function notPurged(name: string, why: string): OperatorError {
  return new OperatorError(`${name} was replaced, but the backups were not deleted: ${why}`, {
    hint: 'delete them by hand, and make a new one with `rekeyd backup`',
  })
}

/** @returns undefined for what is usual, also where nobody is there to be asked */
async function askOnFailure(
  session: Session,
  operations: Operations,
  name: string,
): Promise<OnFailure | undefined> {
  if (!session.interactive) return undefined
  const { kind } = await operations.material(name)
  session.note(`if the new ${name} does not work:`)
  session.note('  stay-down  leave it in place although nothing may work with it')
  session.note('  old        give the one that leaked back, and try again later')
  const answer = await session.terminal.ask(`stay-down or old? [${usualOnFailure(kind)}] `)
  if (answer === '') return undefined
  if (answer === 'stay-down' || answer === 'old') return answer
  throw declined('--on-failure=stay-down or --on-failure=old')
}
