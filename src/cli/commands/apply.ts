import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import { accepted } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'

export function addApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('bring targets that hold something else to the active version')
    .argument('<name>', 'material')
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, { acceptImpact }: { readonly acceptImpact?: string }) => {
      await session.connected(async (operations) => {
        const acceptance = await accepted(session, operations, name, acceptImpact)
        const rotation = await operations.apply(name, acceptance, session.caller())
        if (rotation) return conclude(session, rotation)
        session.answer({ material: name, changed: false }, () => {
          return `${name}: every target holds the active version already\n`
        })
      })
    })
}
