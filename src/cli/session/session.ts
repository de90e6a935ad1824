import type { Caller, Operations } from '../../operations/operations.ts'
import { errorCodes } from '../../operations/operations.ts'
import type { OperatorError } from '../../support/operator-error.ts'
import { errorLines } from '../output/error-lines.ts'
import { type Style, styleFor } from '../output/style.ts'
import type { CliParts, Connection, Whereabouts } from './parts.ts'
import type { Terminal } from './terminal.ts'

/** The options that every command has. */
export interface CommonOptions {
  readonly json?: true
  readonly socket?: string
  readonly config?: string
}

/** One command from its options to its exit code: what it may use, and where its words go. */
export class Session {
  readonly terminal: Terminal
  readonly parts: CliParts
  /** Colours what goes to stdout. */
  readonly style: Style
  exitCode = 0
  #options: CommonOptions = {}

  constructor(terminal: Terminal, parts: CliParts) {
    this.terminal = terminal
    this.parts = parts
    this.style = styleFor(terminal.terminals.out, terminal.environment)
  }

  begin(options: CommonOptions): void {
    this.#options = options
  }

  get now(): number {
    return this.parts.clock.now()
  }

  /** Whether somebody is there who can be asked. */
  get interactive(): boolean {
    const { terminals } = this.terminal
    return terminals.in && terminals.err
  }

  get where(): Whereabouts {
    const { socket, config } = this.#options
    const { environment, directory } = this.terminal
    return { socket, config, environment, directory, now: this.now }
  }

  caller(why?: string): Caller {
    return { who: `cli:${this.terminal.user}`, ...(why !== undefined && { why }) }
  }

  /** Works with whoever holds the store: the daemon, or this process while none runs. */
  async connected<T>(work: Work<T>): Promise<T> {
    const connection = await this.parts.connect(this.where)
    if (!connection.daemon) this.note('no daemon runs: working on the store itself')
    return use(connection, work)
  }

  /** Works with the daemon, or not at all. */
  async connectedToDaemon<T>(work: Work<T>): Promise<T> {
    return use(await this.parts.connectToDaemon(this.where), work)
  }

  /** The one answer of a command: an object with `--json`, words otherwise. @param text ends in a newline */
  answer(view: object, text: () => string): void {
    const { terminal } = this
    if (this.#options.json) terminal.out(`${JSON.stringify({ schema_version: 1, ...view })}\n`)
    else terminal.out(text())
  }

  /** Progress and remarks: stderr, so that they are in nobody's way. */
  note(text: string): void {
    this.terminal.err(`${text}\n`)
  }

  /** Ends with the exit code of an error whose answer was already given. */
  fail(error: OperatorError): void {
    const { terminals, environment } = this.terminal
    this.terminal.err(errorLines(error, styleFor(terminals.err, environment)))
    this.exitCode = errorCodes[error.kind].exit
  }
}

type Work<T> = (operations: Operations, connection: Connection) => Promise<T>

async function use<T>(connection: Connection, work: Work<T>): Promise<T> {
  try {
    return await work(connection.operations, connection)
  } finally {
    await connection.close()
  }
}
