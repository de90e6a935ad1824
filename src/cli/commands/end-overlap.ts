import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import { accepted } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'

export function addEndOverlap(program: Command, session: Session): void {
  program
    .command('end-overlap')
    .description('take the previous version away from clients now')
    .argument('<name>', 'material')
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, { acceptImpact }: { readonly acceptImpact?: string }) => {
      await session.connected(async (operations) => {
        const acceptance = await accepted(session, operations, name, acceptImpact)
        conclude(session, await operations.endOverlap(name, acceptance, session.caller()))
      })
    })
}
