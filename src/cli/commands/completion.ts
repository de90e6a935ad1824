import { Argument, type Command } from 'commander'
import { type Candidate, type Expected, expected } from '../completion/expected.ts'
import { completionScripts, filesMark } from '../completion/scripts.ts'
import type { Session } from '../session/session.ts'

type Shell = keyof typeof completionScripts

export function addCompletion(program: Command, session: Session): void {
  program
    .command('completion')
    .description('print the script that lets a shell complete commands, options and materials')
    .addArgument(new Argument('<shell>').choices(Object.keys(completionScripts)))
    .addHelpText('after', () => {
      const lines = Object.values(completionScripts).map(({ install }) => `  ${install}\n`)
      return `\nTo install it:\n${lines.join('')}`
    })
    .action((shell: Shell) => {
      const { script, install } = completionScripts[shell]
      session.answer({ shell, script, install }, () => script)
    })
  program
    .command('__complete', { hidden: true })
    .description('what may come next on a command line, for those scripts')
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const asked = expected(program, words)
      const candidates = await candidatesOf(asked, session)
      session.answer({ candidates, files: asked.source.kind === 'files' }, () =>
        [
          ...candidates.map(lineOf),
          ...(asked.source.kind === 'files' ? [`${filesMark}\n`] : []),
        ].join(''),
      )
    })
}

async function candidatesOf(
  { source, prefix, start }: Expected,
  session: Session,
): Promise<readonly Candidate[]> {
  const all =
    source.kind === 'words'
      ? source.words
      : source.kind === 'materials'
        ? await materials(session)
        : []
  return all
    .filter(({ word }) => word.startsWith(start))
    .map((one) => ({ ...one, word: prefix + one.word }))
}

/** Those of the running daemon. Whoever presses Tab has not asked for an error. */
async function materials(session: Session): Promise<readonly Candidate[]> {
  const status = session.connectedToDaemon((operations) => operations.status())
  return status.then(
    (view) =>
      view.materials.map(({ name, kind, state }) => ({
        word: name,
        description: `${kind}, ${state}`,
      })),
    () => [],
  )
}

function lineOf({ word, description }: Candidate): string {
  return `${word}\t${description}\n`
}
