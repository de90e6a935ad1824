import { type Command, Option } from 'commander'
import { errorCodes } from '../../operations/operations.ts'
import type { RotateOptions } from '../../operations/views.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { dryRunText } from '../output/dry-run.ts'
import { rehearsalText } from '../output/rehearsal.ts'
import { conclude, concludeAll } from '../session/conclude.ts'
import { confirmed } from '../session/confirm.ts'
import { follow } from '../session/follow.ts'
import type { Session } from '../session/session.ts'

interface RotateFlags {
  readonly reason?: 'manual' | 'compromise'
  readonly due?: true
  readonly dryRun?: true
  readonly rehearse?: true
  readonly now?: true
  readonly acceptImpact?: string
  readonly wait: boolean
}

export function addRotate(program: Command, session: Session): void {
  program
    .command('rotate')
    .description('make a new version now, put it in place and prove it, or put everything back')
    .argument('[name]', 'material')
    .option('--due', 'everything that is due, instead of one material')
    .addOption(new Option('--reason <why>', 'why').choices(['manual', 'compromise']))
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--rehearse', 'try everything but the switch, and keep nothing of it')
    .option('--now', 'also outside its window')
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .option('--no-wait', 'do not wait for the end')
    .action(async (name: string | undefined, flags: RotateFlags) => {
      if (flags.due && name === undefined) return rotateDue(session)
      if (name === undefined || flags.due) throw neitherOrBoth()
      if (flags.dryRun && flags.rehearse) throw dryOrRehearsed()
      if (flags.rehearse) return rehearse(session, name)
      if (flags.dryRun) return dryRun(session, name, optionsOf(flags))
      return rotate(session, name, optionsOf(flags), flags.wait)
    })
}

function optionsOf({ reason, now, acceptImpact }: RotateFlags): RotateOptions {
  return {
    ...(reason !== undefined && { reason }),
    ...(now && { now }),
    ...(acceptImpact !== undefined && { accept_impact: acceptImpact }),
  }
}

async function rotate(
  session: Session,
  name: string,
  options: RotateOptions,
  wait: boolean,
): Promise<void> {
  await session.connected(async (operations, connection) => {
    const agreed = await confirmed(session, operations, name, options)
    const { id } = await operations.startRotation(name, agreed, session.caller(options.reason))
    if (wait || !connection.daemon) return conclude(session, await follow(session, connection, id))
    session.answer({ id, material: name }, () => `started ${id}\n`)
  })
}

async function rotateDue(session: Session): Promise<void> {
  await session.connected(async (operations) => {
    concludeAll(session, await operations.rotateDue(session.caller()))
  })
}

/** Ends as the rotation itself would: with the code of a refusal where it would be refused. */
async function dryRun(session: Session, name: string, options: RotateOptions): Promise<void> {
  const view = await session.connected((operations) => operations.dryRun(name, options))
  session.answer(view, () => dryRunText(view))
  if (!view.refused) return
  const { reason, hint } = view.refused
  session.fail(
    new OperatorError(`would be refused: ${reason}`, {
      kind: 'refused',
      ...(hint !== undefined && { hint }),
    }),
  )
}

async function rehearse(session: Session, name: string): Promise<void> {
  const view = await session.connected((operations) => operations.rehearse(name, session.caller()))
  session.answer(view, () => rehearsalText(view, session.style))
  if (!view.ok) session.exitCode = errorCodes.failed.exit
}

function dryOrRehearsed(): OperatorError {
  return new OperatorError('--dry-run and --rehearse exclude each other', {
    kind: 'usage',
    hint: '--dry-run only tells what would be done, --rehearse tries it',
  })
}

function neitherOrBoth(): OperatorError {
  return new OperatorError('rotate needs the name of a material, or --due', {
    kind: 'usage',
    hint: '`rekeyd status` lists the materials, `rekeyd rotate --due` takes all that are due',
  })
}
