import type { Command } from 'commander'
import { parseDuration } from '../../support/duration.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { absolute } from '../output/moments.ts'
import { oneOrAll } from '../session/one-or-all.ts'
import type { Session } from '../session/session.ts'
import { parseTime } from '../session/times.ts'

interface PauseFlags {
  readonly all?: true
  readonly until?: string
  readonly reason: string
}

export function addPause(program: Command, session: Session): void {
  program
    .command('pause')
    .description('keep rekeyd from rotating by itself')
    .argument('[name]', 'material')
    .option('--all', 'every material')
    .option('--until <time>', 'for a while (4h, 2d) or until a time (2027-01-15T08:00:00Z)')
    .requiredOption('--reason <text>', 'why, for whoever wonders later')
    .action(async (name: string | undefined, { all, until, reason }: PauseFlags) => {
      const which = oneOrAll('pause', name, all)
      const end = until === undefined ? undefined : endOf(until, session.now)
      await session.connected((operations) =>
        operations.pause(which, end, reason, session.caller(reason)),
      )
      const view = { material: which ?? null, paused: true, until: end ?? null, reason }
      const when = end === undefined ? '`rekeyd resume`' : absolute(end)
      session.answer(view, () => `${which ?? 'everything'}: paused until ${when}\n`)
    })
}

/** RFC 3339 UTC, from a duration or a time. */
function endOf(text: string, now: number): string {
  const span = parseDuration(text)
  const time = span === undefined ? parseTime(text) : now + span
  if (time > now) return new Date(time).toISOString()
  throw new OperatorError(
    Number.isNaN(time) ? '--until is no duration and no time' : '--until is in the past',
    { kind: 'usage', hint: 'write --until 4h, --until 2d or --until 2027-01-15T08:00:00Z' },
  )
}
