import { asOperatorError, errorLines } from './cli/output/error-lines.ts'
import { styleFor } from './cli/output/style.ts'
import { runCli } from './cli/run-cli.ts'
import { processTerminal } from './cli/session/terminal.ts'
import { hasCode } from './support/operator-error.ts'

/** After its command has ended, whatever still keeps the process alive gets this long. Milliseconds. */
const lastGrace = 2_000

// `rekeyd status | head -1`: that somebody has seen enough is no error.
process.stdout.on('error', (error) => process.exit(hasCode(error, 'EPIPE') ? undefined : 1))
process.stderr.on('error', () => {})
// Node would print the error with all its properties, which may quote a secret.
process.on('uncaughtException', (error) => {
  process.stderr.write(errorLines(asOperatorError(error), styleFor(false, process.env)))
  process.exit(1)
})

process.exitCode = await runCli(process.argv.slice(2), processTerminal())
setTimeout(() => process.exit(), lastGrace).unref()
