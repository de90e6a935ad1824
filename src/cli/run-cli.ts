import { CommanderError } from 'commander'
import { errorCodes } from '../operations/operations.ts'
import { asOperatorError, errorLines, errorView } from './output/error-lines.ts'
import { styleFor } from './output/style.ts'
import { buildProgram } from './program.ts'
import type { CliParts } from './session/parts.ts'
import { rekeydParts } from './session/rekeyd-parts.ts'
import { Session } from './session/session.ts'
import type { Terminal } from './session/terminal.ts'
import { usageError } from './usage-error.ts'

/**
 * Runs one command to its end; never throws.
 * @param argv without node and script
 * @returns the exit code (interface.md, "Command line")
 */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal,
  parts: CliParts = rekeydParts,
): Promise<number> {
  const session = new Session(terminal, parts)
  const program = buildProgram(session)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return session.exitCode
  } catch (error) {
    // Help and version are thrown, too, after they were shown.
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    if (error instanceof CommanderError && error.code === 'commander.help')
      return errorCodes.usage.exit
    return report(error instanceof CommanderError ? usageError(error, argv, program) : error)
  }

  function report(error: unknown): number {
    const shown = asOperatorError(error)
    if (argv.includes('--json')) terminal.out(`${JSON.stringify(errorView(shown))}\n`)
    terminal.err(errorLines(shown, styleFor(terminal.terminals.err, terminal.environment)))
    debug(error)
    return errorCodes[shown.kind].exit
  }

  function debug(error: unknown): void {
    if (!terminal.environment['REKEYD_DEBUG'] || !(error instanceof Error)) return
    terminal.err(`${error.stack}\n`)
  }
}
