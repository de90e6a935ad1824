import type { Command } from 'commander'
import { errorCodes } from '../../operations/operations.ts'
import type { VerifyView } from '../../operations/views.ts'
import { targetTable } from '../output/material.ts'
import type { Style } from '../output/style.ts'
import { table } from '../output/table.ts'
import type { Session } from '../session/session.ts'

export function addVerify(program: Command, session: Session): void {
  program
    .command('verify')
    .description('look at every target and ask every verifier now; exit 1 if one says no')
    .argument('<name>', 'material')
    .action(async (name: string) => {
      const view = await session.connected((operations) => operations.verify(name))
      session.answer(view, () => verifyText(view, session.style))
      if (!view.ok) session.exitCode = errorCodes.failed.exit
    })
}

function verifyText({ material, targets, verifiers, ok }: VerifyView, style: Style): string {
  const answers = verifiers.map(({ type, subject, answer, reason }) => [
    type,
    subject,
    { text: answer, colour: answer === 'yes' ? ('green' as const) : ('red' as const) },
    reason ?? '',
  ])
  const asked = table(['VERIFIER', 'SUBJECT', 'ANSWER', 'REASON'], answers, style)
  return [
    `${material}: ${ok ? style('green', 'all as it should be') : style('red', 'not as it should be')}\n`,
    targetTable(targets, style),
    answers.length > 0 ? asked : 'no verifier: nothing was asked\n',
  ].join('')
}
