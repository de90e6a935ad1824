import { resolve } from 'node:path'
import type { Command } from 'commander'
import { OperatorError } from '../../support/operator-error.ts'
import type { RestoredView } from '../session/parts.ts'
import type { Session } from '../session/session.ts'

interface RestoreFlags {
  readonly identity?: string
  readonly check?: true
  readonly replace?: true
  readonly takeOver?: true
}

export function addRestore(program: Command, session: Session): void {
  program
    .command('restore')
    .description('bring a backup back where no daemon runs, or only look whether it could be')
    .argument('[file]', 'the backup; none with --take-over for a store that is there')
    .option('--identity <file>', 'the age identity of one of its recipients')
    .option('--check', 'open it and look at all of it, and change nothing')
    .option('--replace', 'move the store that is there aside')
    .option('--take-over', 'of another machine, on which rekeyd no longer runs')
    .action(async (file: string | undefined, flags: RestoreFlags) => {
      const { parts, where } = session
      const { takeOver = false } = flags
      if (file === undefined) {
        if (!takeOver) throw incomplete('which backup is to be restored?')
        const { stateDir } = await parts.takeOver(where)
        return session.answer(
          { state_dir: stateDir, taken_over: true },
          () => `the store in ${stateDir} belongs to this machine now; ${next}\n`,
        )
      }
      if (flags.identity === undefined) throw incomplete('what opens the backup?')
      const restored = await parts.restore(where, {
        file: resolve(session.terminal.directory, file),
        identity: resolve(session.terminal.directory, flags.identity),
        checkOnly: flags.check ?? false,
        replace: flags.replace ?? false,
        takeOver,
      })
      session.answer(restored, () => textOf(restored))
    })
}

const next =
  'start the daemon: every material waits for `rekeyd adopt`, and nothing is written before'

function incomplete(question: string): OperatorError {
  return new OperatorError(question, {
    kind: 'usage',
    hint: '`rekeyd restore FILE --identity KEYFILE`; --take-over alone for a store that is there',
  })
}

function textOf({ created, host, materials, audit_rows, state_dir }: RestoredView): string {
  const what = `the backup of ${host} from ${created}: ${materials.length} materials, ${audit_rows} rows of audit`
  return state_dir === undefined
    ? `${what}; it opens and is whole\n`
    : `restored ${what}, into ${state_dir}; ${next}\n`
}
