import type { Command } from 'commander'
import { conclude } from '../session/conclude.ts'
import type { Session } from '../session/session.ts'

export function addApply(program: Command, session: Session): void {
  program
    .command('apply')
    .description('bring targets that hold something else to the active version')
    .argument('<name>', 'material')
    .action(async (name: string) => {
      await session.connected(async (operations) => {
        const rotation = await operations.apply(name, session.caller())
        if (rotation) return conclude(session, rotation)
        session.answer({ material: name, changed: false }, () => {
          return `${name}: every target holds the active version already\n`
        })
      })
    })
}
