import type { Command } from 'commander'
import type { Session } from '../session/session.ts'

export function addAdopt(program: Command, session: Session): void {
  program
    .command('adopt')
    .description('take what its targets hold as the active version')
    .argument('<name>', 'material')
    .action(async (name: string) => {
      const version = await session.connected((operations) =>
        operations.adopt(name, session.caller()),
      )
      session.answer({ material: name, version }, () => {
        return `${name}: version ${version.version} is active, ${version.origin} (${version.fingerprint})\n`
      })
    })
}
