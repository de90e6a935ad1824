import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Session } from '../session/session.ts'

export function addBackup(program: Command, session: Session): void {
  program
    .command('backup')
    .description('back up store, config and public parts, encrypted to the recovery recipients')
    .option('--to <folder>', 'another folder than the configured one')
    .action(async ({ to }: { readonly to?: string }) => {
      const folder = to === undefined ? undefined : resolve(session.terminal.directory, to)
      const made = await session.connected((operations) =>
        operations.backup(folder, session.caller()),
      )
      session.answer(made, () => `wrote ${made.path} (${made.bytes} bytes)\n`)
    })
}
