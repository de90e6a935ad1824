import type { CliParts } from '../../src/cli/session/parts.ts'
import type { Terminal } from '../../src/cli/session/terminal.ts'
import type { Operations } from '../../src/operations/operations.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'

export interface FakeTerminalOptions {
  /** Whether a person sits there; nobody does by default. */
  readonly terminal?: boolean
  readonly environment?: Readonly<Record<string, string>>
  /** What the person types, one line for each question; nothing after the last. */
  readonly typed?: readonly string[]
  readonly directory?: string
}

/** A terminal that keeps what it was shown. */
export class FakeTerminal implements Terminal {
  readonly environment: Readonly<Record<string, string>>
  readonly directory: string
  readonly user = 'eve'
  readonly host = 'chat-1'
  readonly terminals: { readonly out: boolean; readonly err: boolean; readonly in: boolean }
  readonly listeners = new Map<string, () => void>()
  stdout = ''
  stderr = ''
  exited: number | undefined
  readonly #typed: string[]

  constructor(options: FakeTerminalOptions = {}) {
    const { terminal = false, environment = {}, typed = [], directory = '/home/eve' } = options
    this.environment = environment
    this.directory = directory
    this.terminals = { out: terminal, err: terminal, in: terminal }
    this.#typed = [...typed]
  }

  out(text: string): void {
    this.stdout += text
  }

  err(text: string): void {
    this.stderr += text
  }

  async ask(question: string): Promise<string> {
    this.stderr += `${question}\n`
    return this.#typed.shift() ?? ''
  }

  onSignal(signal: 'SIGINT' | 'SIGTERM', listener: () => void) {
    this.listeners.set(signal, listener)
    return () => void this.listeners.delete(signal)
  }

  exit(code: number): void {
    this.exited = code
  }
}

/** Parts that answer with `operations`; whatever else a test needs it brings itself. */
export function fakeParts(operations: Operations, others: Partial<CliParts> = {}): CliParts {
  const connection = { operations, daemon: true, close: async () => {} }
  const absent = () => Promise.reject(new Error('this test has no such part'))
  return {
    clock: new HurryingClock('2027-01-01T00:00:00Z'),
    connect: async () => connection,
    connectToDaemon: async () => connection,
    examine: () => operations.doctor(),
    loadConfig: absent,
    configInUse: absent,
    runDaemon: absent,
    draftConfig: absent,
    writeConfig: absent,
    isRecipient: absent,
    createStore: absent,
    restore: absent,
    takeOver: absent,
    prepareQuickstart: absent,
    jsonSchema: absent,
    ...others,
  }
}
