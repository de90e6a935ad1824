import { hostname } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { accountName } from '../../support/account-name.ts'

/** What surrounds a command: streams, environment, and the person at the other end, if there is one. */
export interface Terminal {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The working directory: relative paths are the operator's, not the daemon's. */
  readonly directory: string
  /** Who asks, as the audit log names them. */
  readonly user: string
  /** The name of this host. */
  readonly host: string
  /** Which streams end at a terminal. */
  readonly terminals: { readonly out: boolean; readonly err: boolean; readonly in: boolean }
  out(text: string): void
  err(text: string): void
  /** One line from the person; empty at the end of input. */
  ask(question: string): Promise<string>
  /** @returns the function that stops listening */
  onSignal(signal: 'SIGINT' | 'SIGTERM', listener: () => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process
  return {
    environment: env,
    directory: process.cwd(),
    user: userOf(env, process.geteuid?.()),
    host: hostname(),
    terminals: { out: stdout.isTTY ?? false, err: stderr.isTTY ?? false, in: stdin.isTTY ?? false },
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    ask,
    onSignal(signal, listener) {
      process.on(signal, listener)
      return () => void process.off(signal, listener)
    },
    exit: (code) => process.exit(code),
  }
}

/**
 * The name that the audit log shows. `SUDO_USER` counts for root alone: anybody else could have set it
 * to another's name.
 */
export function userOf(environment: Terminal['environment'], uid: number | undefined): string {
  const behindSudo = uid === 0 ? environment['SUDO_USER'] : undefined
  if (behindSudo !== undefined && /^[\w.@-]{1,64}$/.test(behindSudo)) return behindSudo
  return accountName()
}

/** Asked on stderr: stdout is for the answer of the command. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const stop = new AbortController()
  lines.once('close', () => stop.abort())
  try {
    return (await lines.question(question, { signal: stop.signal })).trim()
  } catch {
    return ''
  } finally {
    lines.close()
  }
}
