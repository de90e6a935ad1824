import type { Command } from 'commander'
import type { Session } from '../session/session.ts'

export function addApprove(program: Command, session: Session): void {
  program
    .command('approve')
    .description('let the rotation that is due happen')
    .argument('<name>', 'material')
    .action(async (name: string) => {
      await session.connected((operations) => operations.approve(name, session.caller()))
      session.answer({ material: name, approved: true }, () => `${name}: approved\n`)
    })
}
