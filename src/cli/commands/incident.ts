import type { Command } from 'commander'
import type { Operations } from '../../operations/operations.ts'
import type { MaterialView } from '../../operations/views.ts'
import { parseDuration } from '../../support/duration.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { type End, endBefore, endOf, failureOfAll } from '../incident/ends.ts'
import { commandOf, type Turn, turnsOf } from '../incident/turns.ts'
import { endTable, turnTable } from '../output/incident.ts'
import { plain } from '../output/style.ts'
import { declined } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'
import { parseTime } from '../session/times.ts'

interface IncidentFlags {
  readonly plan?: true
  readonly since?: string
  readonly all?: true
  readonly acceptImpact?: string
  readonly reason: string
}

export function addIncident(program: Command, session: Session): void {
  program
    .command('incident')
    .description('somebody broke in: replace everything on this host, in order')
    .option('--plan', 'say in which order and what to type for each, and do nothing')
    .option(
      '--since <time>',
      'when it began (2h ago, or a time): what was made since is left alone',
    )
    .option('--all', 'do not ask for each material')
    .option('--accept-impact <host>', 'with --all: the name of this host')
    .option('--reason <text>', 'for the audit log', 'incident')
    .action(async (flags: IncidentFlags) => {
      const since = flags.since === undefined ? session.now : sinceOf(flags.since, session.now)
      await session.connected(async (operations) => {
        const turns = turnsOf((await operations.status()).materials, since)
        if (flags.plan) return showPlan(session, turns, since)
        await agree(session, turns, flags)
        session.note(`after an interruption, \`${again(since)}\` goes on`)
        const ends: End[] = []
        for (const turn of turns) ends.push(await take(session, operations, turn, flags))
        conclude(session, ends, since)
      })
    })
}

function showPlan(session: Session, turns: readonly Turn[], since: number): void {
  const materials = turns.map(({ material, replaced }) => {
    const { name, kind, consumers, contains, impact } = material
    const known = { ...(contains && { contains }), ...(impact !== undefined && { impact }) }
    const next = replaced ? {} : { command: commandOf(material) }
    return { material: name, kind, consumers, ...known, replaced, ...next }
  })
  const view = { host: session.terminal.host, since: new Date(since).toISOString(), materials }
  session.answer(view, () => turnTable(turns, session.style))
}

/**
 * With `--all` nobody is asked again: it takes the name of the host, as a material that breaks clients takes its own.
 * @throws OperatorError `refused` without it, and where nobody is there to be asked
 */
async function agree(
  session: Session,
  turns: readonly Turn[],
  { all, acceptImpact }: IncidentFlags,
): Promise<void> {
  const { terminal, interactive } = session
  const { host } = terminal
  if (all ? acceptImpact === host : interactive) return
  if (!interactive) {
    throw new OperatorError('nobody is there to be asked', {
      kind: 'refused',
      hint: `\`rekeyd incident --plan\` lists the commands; --all --accept-impact=${host} takes everything`,
    })
  }
  terminal.err(turnTable(turns, session.style))
  const typed = await terminal.ask(`type the name of this host (${host}) to replace all of it: `)
  if (typed !== host) throw declined(`--accept-impact=${host}`)
}

/** Whatever becomes of one, the next one has its turn. */
async function take(
  session: Session,
  operations: Operations,
  turn: Turn,
  flags: IncidentFlags,
): Promise<End> {
  const { name } = turn.material
  if (turn.replaced) return endBefore(turn)
  if (!flags.all && !(await isWanted(session, turn.material))) {
    return { material: name, result: 'left_out' }
  }
  try {
    const caller = session.caller(flags.reason)
    const end = endOf(name, await operations.compromise(name, { accept_impact: name }, caller))
    session.note(`${name}: ${end.result}`)
    return end
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    session.note(`${name}: ${plain(error.message)}`)
    return { material: name, result: 'not_replaced', detail: error.message }
  }
}

async function isWanted(
  session: Session,
  { name, kind, impact, contains = [] }: MaterialView,
): Promise<boolean> {
  const inside = contains.length > 0 ? `, holds ${contains.join(', ')}` : ''
  session.note(`${name} (${kind}${inside})${impact === undefined ? '' : `: ${plain(impact)}`}`)
  if (impact === undefined) {
    return /^y(es)?$/i.test(await session.terminal.ask(`replace ${name}? [y/N] `))
  }
  return (await session.terminal.ask(`type ${name} to replace it: `)) === name
}

function conclude(session: Session, ends: readonly End[], since: number): void {
  const start = new Date(since).toISOString()
  const view = { host: session.terminal.host, since: start, results: ends }
  session.answer(view, () => endTable(ends, session.style))
  const failure = failureOfAll(ends, again(since))
  if (failure) session.fail(failure)
}

function again(since: number): string {
  return `rekeyd incident --since ${new Date(since).toISOString()}`
}

/** Epoch milliseconds. @throws OperatorError `usage` */
function sinceOf(text: string, now: number): number {
  const span = parseDuration(text)
  const time = span === undefined ? parseTime(text) : now - span
  if (time <= now) return time
  throw new OperatorError(
    Number.isNaN(time) ? '--since is no duration and no time' : '--since is in the future',
    { kind: 'usage', hint: 'write --since 2h or --since 2027-01-15T08:00:00Z' },
  )
}
