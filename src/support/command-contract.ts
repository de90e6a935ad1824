import { formatDuration } from './duration.ts'
import { OperatorError } from './operator-error.ts'
import { type CommandRequest, type CommandResult, runCommand } from './run-command.ts'

/** sysexits.h EX_TEMPFAIL: the program could not tell. */
const couldNotTell = 75

/**
 * Asks a program by the one command contract: exit 0 is yes, 1 is no. Secrets are on descriptors 3 (new)
 * and 4 (previous).
 * @throws OperatorError when it could not tell: exit 75, any other end, no answer in time
 */
export async function askCommand(request: CommandRequest): Promise<'yes' | 'no'> {
  return answerOf(request, await runCommand(request))
}

/**
 * Has a program do something by the same contract: exit 0 is done.
 * @throws OperatorError for every other end
 */
export async function doCommand(request: CommandRequest): Promise<void> {
  if ((await askCommand(request)) === 'yes') return
  throw new OperatorError(`${request.argv[0]} said no (exit 1)`, { hint: hintFor(request) })
}

/**
 * What the end of a program means under the contract, for callers that also want its output.
 * @throws OperatorError when it means neither yes nor no
 */
export function answerOf(request: CommandRequest, result: CommandResult): 'yes' | 'no' {
  const program = request.argv[0]
  if (result.timedOut) {
    const limit = formatDuration(request.timeout)
    throw new OperatorError(`${program} did not end within ${limit}`, { hint: hintFor(request) })
  }
  if (result.exit === 0) return 'yes'
  if (result.exit === 1) return 'no'
  if (result.exit === couldNotTell) {
    throw new OperatorError(`${program} could not tell (exit 75)`, { hint: hintFor(request) })
  }
  const how =
    result.exit === null ? `was ended by ${result.signal}` : `failed (exit ${result.exit})`
  throw new OperatorError(`${program} ${how}`, { hint: hintFor(request) })
}

/** The program may be run again by hand; its output is not repeated here, it may hold a secret. */
function hintFor(request: CommandRequest): string {
  return `run ${request.argv[0]} by hand as rekeyd's user: exit 0 is yes or done, 1 no, 75 could not tell`
}
