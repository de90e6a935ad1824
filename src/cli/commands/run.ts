import type { Command } from 'commander'
import { OperatorError } from '../../support/operator-error.ts'
import { runQuickstart } from '../session/quickstart.ts'
import type { Session } from '../session/session.ts'
import { stopOnSignal } from '../session/stop-on-signal.ts'

export function addRun(program: Command, session: Session): void {
  program
    .command('run')
    .description('run the daemon in the foreground')
    .option('--quickstart', 'prepare ./var and run on that')
    .action(async ({ quickstart }: { readonly quickstart?: true }) => {
      const { parts, terminal, where } = session
      if (quickstart && where.config !== undefined) throw twoConfigs()
      const stop = stopOnSignal(terminal, parts.clock)
      try {
        if (quickstart) return await runQuickstart(session, stop.signal)
        const read = () => parts.loadConfig(session.where)
        await parts.runDaemon({ config: await read(), reload: read, signal: stop.signal })
      } finally {
        stop.release()
      }
    })
}

function twoConfigs(): OperatorError {
  return new OperatorError('--quickstart brings its own config: leave --config out', {
    kind: 'usage',
    hint: '`rekeyd run --config FILE` runs on a config of yours',
  })
}
