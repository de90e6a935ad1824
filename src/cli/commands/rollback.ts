import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import { accepted } from '../session/confirm.ts'
import { wholeNumber } from '../session/numbers.ts'
import type { Session } from '../session/session.ts'

interface RollbackFlags {
  readonly to?: number
  readonly acceptImpact?: string
}

export function addRollback(program: Command, session: Session): void {
  program
    .command('rollback')
    .description('give the previous version back, and prove it')
    .argument('<name>', 'material')
    .option('--to <version>', 'an older one that is still kept', wholeNumber)
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, { to, acceptImpact }: RollbackFlags) => {
      await session.connected(async (operations) => {
        const acceptance = await accepted(session, operations, name, acceptImpact)
        const options = { ...acceptance, ...(to !== undefined && { to }) }
        conclude(session, await operations.rollback(name, options, session.caller()))
      })
    })
}
