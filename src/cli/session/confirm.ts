import { impactText } from '../../operations/impact.ts'
import type { Operations } from '../../operations/operations.ts'
import type { Acceptance, RotateOptions } from '../../operations/views.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { plain } from '../output/style.ts'
import type { Session } from './session.ts'

/**
 * Asks the person at the terminal for what policy wants to be told: that clients break, that the window
 * is closed. Without a person the options stay as they are, and the rotation is refused with a hint.
 * @throws OperatorError `refused` when the answer is no
 */
export async function confirmed(
  session: Session,
  operations: Operations,
  name: string,
  options: RotateOptions,
): Promise<RotateOptions> {
  if (!session.interactive) return options
  const asked = await operations.dryRun(name, options)
  if (!asked.refused) return options
  const everything: RotateOptions = { ...options, now: true, accept_impact: name }
  if ((await operations.dryRun(name, everything)).refused) return options
  if (asked.impact !== undefined && options.accept_impact !== name) {
    await acceptImpact(session, name, impactText(asked.impact, asked.impact_count))
    return confirmed(session, operations, name, { ...options, accept_impact: name })
  }
  await sayYes(session, `${asked.refused.reason}\nrotate it all the same?`)
  return everything
}

/**
 * What to tell policy about clients that break: what the option says, or the person at the terminal.
 * Without a person it stays as it is, and the operation is refused with a hint.
 * @param given the option
 * @throws OperatorError `refused` when the answer is no
 */
export async function accepted(
  session: Session,
  operations: Operations,
  name: string,
  given: string | undefined,
): Promise<Acceptance> {
  if (given === name || !session.interactive)
    return given === undefined ? {} : { accept_impact: given }
  const { impact, impact_count } = await operations.material(name)
  if (impact === undefined) return {}
  await acceptImpact(session, name, impactText(impact, impact_count))
  return { accept_impact: name }
}

/**
 * Has the name typed by whoever accepts that clients break; a `y` slips too easily.
 * @throws OperatorError `refused` for anything but the name
 */
async function acceptImpact(session: Session, name: string, impact: string): Promise<void> {
  session.note(`${name}: ${plain(impact)}`)
  const typed = await session.terminal.ask(`type the name of the material to go on: `)
  if (typed !== name) throw declined(`--accept-impact=${name}`)
}

async function sayYes(session: Session, question: string): Promise<void> {
  const answer = await session.terminal.ask(`${question} [y/N] `)
  if (!/^y(es)?$/i.test(answer)) throw declined('--now')
}

export function declined(option: string): OperatorError {
  return new OperatorError('not confirmed: nothing was done', {
    kind: 'refused',
    hint: `confirm it when asked, or give ${option}`,
  })
}
