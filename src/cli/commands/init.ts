import type { Command } from 'commander'
import { OperatorError } from '../../support/operator-error.ts'
import type { Session } from '../session/session.ts'

export function addInit(program: Command, session: Session): void {
  program
    .command('init')
    .description('make the store, and its key if it is a file, for a config that is there')
    .argument('[preset]', 'write the config, too (not in this version yet)')
    .action(async (preset: string | undefined) => {
      if (preset !== undefined) throw notYet(preset)
      const { parts, where } = session
      const config = await parts.loadConfig(where)
      await parts.createStore(config)
      session.answer({ config: config.path, state_dir: config.stateDir }, () => {
        return `made the store in ${config.stateDir}; start with \`rekeyd run --config ${config.path}\`\n`
      })
    })
}

function notYet(preset: string): OperatorError {
  return new OperatorError(`\`rekeyd init ${preset}\` is not in this version yet`, {
    kind: 'usage',
    hint: 'write the config by hand, then `rekeyd init --config FILE` makes its store',
  })
}
