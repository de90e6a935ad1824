import { Command } from 'commander'
import { build } from '../build.ts'
import { addAdopt } from './commands/adopt.ts'
import { addApiToken } from './commands/api-token.ts'
import { addApply } from './commands/apply.ts'
import { addApprove } from './commands/approve.ts'
import { addBackup } from './commands/backup.ts'
import { addCheckConfig } from './commands/check-config.ts'
import { addCompletion } from './commands/completion.ts'
import { addCompromise } from './commands/compromise.ts'
import { addCsr } from './commands/csr.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEndOverlap } from './commands/end-overlap.ts'
import { addHealthcheck } from './commands/healthcheck.ts'
import { addHistory } from './commands/history.ts'
import { addImport } from './commands/import.ts'
import { addIncident } from './commands/incident.ts'
import { addInit } from './commands/init.ts'
import { addNotify } from './commands/notify.ts'
import { addPause } from './commands/pause.ts'
import { addPlan } from './commands/plan.ts'
import { addRestore } from './commands/restore.ts'
import { addResume } from './commands/resume.ts'
import { addReveal } from './commands/reveal.ts'
import { addRollback } from './commands/rollback.ts'
import { addRotate } from './commands/rotate.ts'
import { addRun } from './commands/run.ts'
import { addSchema } from './commands/schema.ts'
import { addStatus } from './commands/status.ts'
import { addVerify } from './commands/verify.ts'
import type { CommonOptions, Session } from './session/session.ts'

type AddCommand = (program: Command, session: Session) => void

/** Every command, in the order and under the headings of `--help`. */
const groups: Readonly<Record<string, readonly AddCommand[]>> = {
  'See:': [addStatus, addPlan, addHistory, addVerify, addDoctor],
  'Rotate:': [
    addRotate,
    addRollback,
    addEndOverlap,
    addApprove,
    addPause,
    addResume,
    addCompromise,
    addIncident,
  ],
  'Versions and places:': [addAdopt, addApply, addImport, addCsr, addReveal],
  'The daemon:': [
    addInit,
    addRun,
    addBackup,
    addRestore,
    addCheckConfig,
    addSchema,
    addHealthcheck,
    addNotify,
    addApiToken,
    addCompletion,
  ],
}

/** The command line of rekeyd. Parsing throws a CommanderError where commander would end the process. */
export function buildProgram(session: Session): Command {
  const { terminal } = session
  const program = new Command('rekeyd')
    .description(
      'Rotates the keys of chat, push and monitoring servers, and proves that they are in use.',
    )
    .version(build.version)
    // So that an option of a command may have the name of one of the program: `reveal --version`.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      // What is wrong is thrown, too, and told as all errors are.
      outputError: () => {},
    })
    .hook('preAction', (_, command) => session.begin(command.optsWithGlobals<CommonOptions>()))
  for (const [heading, commands] of Object.entries(groups)) {
    program.commandsGroup(heading)
    for (const add of commands) add(program, session)
  }
  addCommonOptions(program)
  return program
}

function addCommonOptions(command: Command): void {
  command
    .option('--json', 'answer with one JSON object')
    .option('--socket <path>', 'admin socket of the daemon (REKEYD_SOCKET)')
    .option('--config <file>', 'config file (REKEYD_CONFIG)')
  for (const inner of command.commands) addCommonOptions(inner)
}
