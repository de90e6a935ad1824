import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import type { Session } from '../session/session.ts'

export function addEndOverlap(program: Command, session: Session): void {
  program
    .command('end-overlap')
    .description('take the previous version away from clients now')
    .argument('<name>', 'material')
    .action(async (name: string) => {
      await session.connected(async (operations) => {
        conclude(session, await operations.endOverlap(name, session.caller()))
      })
    })
}
