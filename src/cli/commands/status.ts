import type { Command } from 'commander'
import { severities, standingOf } from '../../operations/standing.ts'
import type { MaterialView, StatusView } from '../../operations/views.ts'
import { worstFirst } from '../../operations/worst-first.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { materialDetails } from '../output/material.ts'
import { statusTable } from '../output/status.ts'
import { plain } from '../output/style.ts'
import type { Session } from '../session/session.ts'

export function addStatus(program: Command, session: Session): void {
  program
    .command('status')
    .description('show where everything stands, the worst first')
    .argument('[name]', 'one material, with its versions and targets')
    .option('--check', 'for monitoring: exit 0 if all is well, 1 for a warning, 2 if critical')
    .action(async (name: string | undefined, { check }: { readonly check?: true }) => {
      if (check) return checkStatus(session, name)
      await session.connected(async (operations) => {
        if (name === undefined) {
          const status = await operations.status()
          session.answer(status, () => statusTable(status, session.now, session.style))
        } else {
          const material = await operations.material(name)
          session.answer(material, () => materialDetails(material, session.now, session.style))
        }
      })
    })
}

/** One line, and the exit code of a monitoring plugin. Without the daemon nothing rotates: critical. */
async function checkStatus(session: Session, name: string | undefined): Promise<void> {
  try {
    await session.connectedToDaemon(async (operations) => {
      const status = await operations.status()
      const materials = name === undefined ? status.materials : [await operations.material(name)]
      answerCheck(session, status, materials)
    })
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    session.answer({ check: 'critical', problems: [{ problem: error.message }] }, () =>
      line('critical', error.message),
    )
    session.fail(error)
    session.exitCode = severities.indexOf('critical')
  }
}

function answerCheck(
  session: Session,
  { clock }: StatusView,
  materials: readonly MaterialView[],
): void {
  const { now } = session
  const standings = worstFirst(materials, now).map((material) => ({
    material: material.name,
    ...standingOf(material, now),
  }))
  const ranks = standings.map(({ severity }) => severities.indexOf(severity))
  const rank = Math.max(clock.suspect ? 1 : 0, ...ranks)
  const problems = [
    ...standings.flatMap(({ material, problems }) =>
      problems.map((problem) => ({ material, problem })),
    ),
    ...(clock.suspect ? [{ problem: 'the clock is suspect' }] : []),
  ]
  const words = problems.map((found) =>
    'material' in found ? `${found.material} ${found.problem}` : found.problem,
  )
  const well = `${materials.length} ${materials.length === 1 ? 'material' : 'materials'}`
  const check = severities[rank] ?? 'critical'
  session.answer({ check, problems }, () => line(check, words.join('; ') || well))
  session.exitCode = rank
}

function line(severity: string, words: string): string {
  return `REKEYD ${severity.toUpperCase()} - ${plain(words)}\n`
}
