import type { Command } from 'commander'
import type { PlanItem } from '../../operations/views.ts'
import { moment } from '../output/moments.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import { wholeNumber } from '../session/numbers.ts'
import type { Session } from '../session/session.ts'

export function addPlan(program: Command, session: Session): void {
  program
    .command('plan')
    .description('list what will happen, and to whom')
    .option('--days <number>', 'how far to look ahead', wholeNumber, 90)
    .action(async ({ days }: { readonly days: number }) => {
      const items = await session.connected((operations) => operations.plan(days))
      session.answer({ days, items }, () =>
        items.length === 0
          ? `nothing happens within ${days} days\n`
          : planTable(items, session.now, session.style),
      )
    })
}

function planTable(items: readonly PlanItem[], now: number, style: Style): string {
  const rows = items.map(({ at, material, action, window, consumers, note }) => [
    moment(at, now),
    material,
    action,
    window ?? '',
    consumers.join(', '),
    note ?? '',
  ])
  return table(['WHEN', 'MATERIAL', 'ACTION', 'WINDOW', 'CONSUMERS', 'NOTE'], rows, style)
}
