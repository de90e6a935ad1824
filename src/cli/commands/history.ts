import type { Command } from 'commander'
import type { RotationView } from '../../operations/views.ts'
import { changesOf, rotationTable, stepTable } from '../output/rotation.ts'
import { plain, type Style } from '../output/style.ts'
import { list } from '../output/table.ts'
import { wholeNumber } from '../session/numbers.ts'
import type { Session } from '../session/session.ts'

interface HistoryOptions {
  readonly id?: string
  readonly limit: number
  readonly before?: string
  readonly steps?: true
}

export function addHistory(program: Command, session: Session): void {
  program
    .command('history')
    .description('list the rotations there were, the newest first')
    .argument('[name]', 'those of one material')
    .option('--id <rotation>', 'one rotation, with its steps')
    .option('--steps', 'the steps of each')
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .option('--before <rotation>', 'only those before this one')
    .action(async (name: string | undefined, options: HistoryOptions) => {
      const { id, limit, before, steps } = options
      await session.connected(async (operations) => {
        if (id !== undefined) {
          const rotation = await operations.rotation(id)
          return session.answer(rotation, () => details(rotation, session.style))
        }
        const rotations = await operations.history({
          limit,
          ...(name !== undefined && { material: name }),
          ...(before !== undefined && { before }),
        })
        session.answer({ rotations }, () => listing(rotations, steps, session.style))
      })
    })
}

function listing(
  rotations: readonly RotationView[],
  steps: true | undefined,
  style: Style,
): string {
  if (rotations.length === 0) return 'no rotations yet\n'
  if (!steps) return rotationTable(rotations, style)
  return rotations.map((rotation) => details(rotation, style)).join('\n')
}

function details(rotation: RotationView, style: Style): string {
  const { id, result = 'under way', started, ended, trigger, actor, reason, detail } = rotation
  return [
    `${style('bold', plain(id))}: ${plain(changesOf(rotation))}, ${result}\n`,
    list([
      ['started', started],
      ['ended', ended],
      ['asked by', `${actor} (${trigger})`],
      ['reason', reason],
      ['detail', detail],
    ]),
    stepTable(rotation, style),
  ].join('')
}
