import { type ErrorKind, messageOf, OperatorError } from '../../support/operator-error.ts'
import { plain, type Style } from './style.ts'

/** What to try next where the error itself does not say. */
const nextSteps: Readonly<Record<ErrorKind, string>> = {
  failed: '`rekeyd status` shows where everything stands',
  usage: '`rekeyd --help` lists the commands',
  config: '`rekeyd check-config` lists everything that is wrong',
  locked: 'start the daemon with `rekeyd run`, or name its socket with --socket',
  refused: '`rekeyd status` shows what it depends on',
  'rolled-back': '`rekeyd history --steps` shows which step failed',
  'needs-attention': '`rekeyd status` says what needs a person',
  busy: 'try again when the rotation under way has ended: `rekeyd status`',
  'not-found': '`rekeyd status` lists the materials',
}

/** Two lines, `error: …` and `hint: …`; one `error:` line each where there are several problems. */
export function errorLines(error: OperatorError, style: Style): string {
  const problems = error.message.split('\n')
  const hint = error.hint ?? nextSteps[error.kind]
  return [
    ...problems.map((problem) => `${style('red', 'error:')} ${plain(problem)}\n`),
    `${style('cyan', 'hint:')} ${plain(hint)}\n`,
  ].join('')
}

/** An error as `--json` prints it. */
export function errorView({ message, hint, kind }: OperatorError) {
  return { schema_version: 1, error: { message, hint: hint ?? nextSteps[kind], kind } } as const
}

/** Anything thrown, as an error for the operator: what is not meant for them is a defect of ours. */
export function asOperatorError(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error
  return new OperatorError(`internal error: ${describe(error)}`, {
    hint: 'run it again with REKEYD_DEBUG=1 for the stack, and report it: this is a defect of rekeyd',
    cause: error,
  })
}

/** Parsers, and Node's checks of arguments, quote what they were given: a secret may be among it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'something was thrown that is no error'
  const code = 'code' in error ? String(error.code) : ''
  const quotesInput = error instanceof SyntaxError || code.startsWith('ERR_INVALID')
  if (quotesInput) return code ? `${error.name} (${code})` : error.name
  return `${error.name}: ${messageOf(error)}`
}
