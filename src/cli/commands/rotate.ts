import { type Command, Option } from 'commander'
import type { DryRun, RotateOptions } from '../../operations/views.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { plain } from '../output/style.ts'
import { conclude, concludeAll } from '../session/conclude.ts'
import { confirmed } from '../session/confirm.ts'
import { follow } from '../session/follow.ts'
import type { Session } from '../session/session.ts'

interface RotateFlags {
  readonly reason?: 'manual' | 'compromise'
  readonly due?: true
  readonly dryRun?: true
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
    .option('--now', 'also outside its window')
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .option('--no-wait', 'do not wait for the end')
    .action(async (name: string | undefined, flags: RotateFlags) => {
      if (flags.due && name === undefined) return rotateDue(session)
      if (name === undefined || flags.due) throw neitherOrBoth()
      const options: RotateOptions = {
        ...(flags.reason !== undefined && { reason: flags.reason }),
        ...(flags.now && { now: true }),
        ...(flags.acceptImpact !== undefined && { accept_impact: flags.acceptImpact }),
      }
      return flags.dryRun
        ? dryRun(session, name, options)
        : rotate(session, name, options, flags.wait)
    })
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
  session.answer(view, () => outline(view))
  if (!view.refused) return
  const { reason, hint } = view.refused
  session.fail(
    new OperatorError(`would be refused: ${reason}`, {
      kind: 'refused',
      ...(hint !== undefined && { hint }),
    }),
  )
}

function outline({ material, steps, impact, window }: DryRun): string {
  return [
    `a rotation of ${material} would\n`,
    ...steps.map((step, index) => `  ${index + 1}. ${plain(step)}\n`),
    ...(window === undefined ? [] : [`window: ${window}\n`]),
    ...(impact === undefined ? [] : [`impact: ${plain(impact)}\n`]),
  ].join('')
}

function neitherOrBoth(): OperatorError {
  return new OperatorError('rotate needs the name of a material, or --due', {
    kind: 'usage',
    hint: '`rekeyd status` lists the materials, `rekeyd rotate --due` takes all that are due',
  })
}
