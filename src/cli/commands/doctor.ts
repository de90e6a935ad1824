import type { Command } from 'commander'
import { errorCodes } from '../../operations/operations.ts'
import { doctorText } from '../output/doctor.ts'
import type { Session } from '../session/session.ts'

export function addDoctor(program: Command, session: Session): void {
  program
    .command('doctor')
    .description(
      'look whether each rotation could succeed; changes nothing; exit 1 if one would not',
    )
    .action(async () => {
      const { parts, where, style } = session
      const view = await parts.examine(where)
      session.answer(view, () => doctorText(view, style))
      if (!view.ok) session.exitCode = errorCodes.failed.exit
    })
}
