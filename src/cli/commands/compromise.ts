import { type Command, Option } from 'commander'
import type { Operations } from '../../operations/operations.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { conclude } from '../session/conclude.ts'
import { acceptImpact } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'

interface CompromiseFlags {
  readonly onFailure?: 'stay-down' | 'old'
  readonly acceptImpact?: string
}

export function addCompromise(program: Command, session: Session): void {
  program
    .command('compromise')
    .description('somebody else has it: replace it at once, without overlap or window')
    .argument('<name>', 'material')
    .addOption(
      new Option('--on-failure <choice>', 'if the new one does not work').choices([
        'stay-down',
        'old',
      ]),
    )
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, flags: CompromiseFlags) => {
      await session.connected(async (operations) => {
        await checkImpact(session, operations, name, flags.acceptImpact)
        const caller = session.caller('compromise')
        conclude(session, await operations.compromise(name, flags.onFailure, caller))
      })
    })
}

/** @throws OperatorError `refused` when clients break and nobody accepts it */
async function checkImpact(
  session: Session,
  operations: Operations,
  name: string,
  accepted: string | undefined,
): Promise<void> {
  const { impact } = await operations.material(name)
  if (impact === undefined || accepted === name) return
  if (session.interactive) return acceptImpact(session, name, impact)
  throw new OperatorError(`replacing ${name} breaks clients: ${impact}`, {
    kind: 'refused',
    hint: `\`rekeyd compromise ${name} --accept-impact=${name}\` if that is what you want`,
  })
}
