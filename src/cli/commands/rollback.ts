import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import { wholeNumber } from '../session/numbers.ts'
import type { Session } from '../session/session.ts'

export function addRollback(program: Command, session: Session): void {
  program
    .command('rollback')
    .description('give the previous version back, and prove it')
    .argument('<name>', 'material')
    .option('--to <version>', 'an older one that is still kept', wholeNumber)
    .action(async (name: string, { to }: { readonly to?: number }) => {
      await session.connected(async (operations) => {
        conclude(session, await operations.rollback(name, to, session.caller()))
      })
    })
}
