import type { Command } from 'commander'
import { errorCodes } from '../../operations/operations.ts'
import type { NoticeTestView } from '../../operations/views.ts'
import type { Style } from '../output/style.ts'
import { type Cell, table } from '../output/table.ts'
import type { Session } from '../session/session.ts'

export function addNotify(program: Command, session: Session): void {
  program
    .command('notify')
    .description('send a test notice to whoever the config names; exit 1 if one is not taken')
    .requiredOption('--test', 'send a test notice')
    .option('--channel <name>', 'one channel only')
    .action(async ({ channel }: { readonly channel?: string }) => {
      const results = await session.connected((operations) => operations.testNotices(channel))
      session.answer({ results }, () => resultTable(results, session.style))
      if (results.some(({ ok }) => !ok)) session.exitCode = errorCodes.failed.exit
    })
}

function resultTable(results: readonly NoticeTestView[], style: Style): string {
  const rows = results.map(({ channel, ok, seconds, error, hint }): readonly Cell[] => [
    channel,
    ok ? { text: 'delivered', colour: 'green' } : { text: 'failed', colour: 'red' },
    `${seconds} s`,
    [error, hint].filter((words) => words !== undefined).join('; '),
  ])
  return table(['CHANNEL', 'RESULT', 'TOOK', 'WHY'], rows, style)
}
