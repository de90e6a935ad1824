import type { Command } from 'commander'
import { oneOrAll } from '../session/one-or-all.ts'
import type { Session } from '../session/session.ts'

export function addResume(program: Command, session: Session): void {
  program
    .command('resume')
    .description('let rekeyd go on after a pause or a suspension')
    .argument('[name]', 'material')
    .option('--all', 'every material')
    .action(async (name: string | undefined, { all }: { readonly all?: true }) => {
      const which = oneOrAll('resume', name, all)
      await session.connected((operations) => operations.resume(which, session.caller()))
      session.answer({ material: which ?? null, paused: false }, () => {
        return `${which ?? 'everything'}: goes on\n`
      })
    })
}
