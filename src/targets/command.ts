import { z } from 'zod'
import { durationSchema } from '../model/duration-schema.ts'
import { formats } from '../model/material.ts'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { Edition } from '../model/version.ts'
import { argvOption, checkProgram } from '../support/argv-option.ts'
import { answerOf, askCommand, doCommand } from '../support/command-contract.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { runCommand } from '../support/run-command.ts'
import {
  type Finding,
  LiveChanged,
  type Move,
  type Place,
  type Role,
  roles,
  type Target,
  type TargetType,
} from './target.ts'

/** As large as a secret that a program prints may be. */
const longestValue = 1024 * 1024
const nothing = Buffer.alloc(0)

const commandOptions = z.strictObject({
  write: argvOption.describe('Puts the value of descriptor 3 there; the one before is on 4.'),
  read: argvOption
    .optional()
    .describe('Prints the value, exactly its bytes; exit 1 if there is none.'),
  inspect: argvOption
    .optional()
    .describe('Exit 0 if the value of descriptor 3 is there, 1 if it is not.'),
  remove: argvOption.optional().describe('Takes the value of descriptor 4 away.'),
  offline: z.boolean().default(false).describe('Whether its consumers must be stopped meanwhile.'),
  part: z.string().optional().describe('Part of the material to write.'),
  format: z.enum(formats).optional().describe('Format to write it in.'),
  version: z.enum(roles).default('active').describe('Which version is kept there.'),
  timeout: durationSchema.default(60_000).describe('How long a program may take.'),
})
type CommandOptions = z.infer<typeof commandOptions>

/** A place that only a program of the operator's can reach, by the one command contract. */
export const command: TargetType<CommandOptions> = {
  schema: commandOptions,
  create: (options) => new CommandTarget(options),
}

class CommandTarget implements Target {
  readonly type = 'command'
  readonly place: Place
  readonly role: Role
  readonly offline: boolean
  readonly part?: string
  readonly format?: Target['format'] & string
  /** Only where the place can be read back. */
  readonly read?: (signal: AbortSignal) => Promise<SecretBytes | undefined>
  readonly #options: CommandOptions

  constructor(options: CommandOptions) {
    this.#options = options
    this.place = { path: options.write.join(' '), reads: 'command' }
    this.role = options.version
    this.offline = options.offline
    if (options.part !== undefined) this.part = options.part
    if (options.format !== undefined) this.format = options.format
    const { read } = options
    if (read) this.read = (signal) => this.#print(read, signal)
  }

  async check(): Promise<void> {
    const { write, read, inspect, remove } = this.#options
    for (const argv of [write, read, inspect, remove]) if (argv) checkProgram(argv)
  }

  /** Nothing can be staged at a program; what the place holds is recorded where it can be read. */
  async stage(_: Move, signal: AbortSignal): Promise<SecretBytes> {
    return encodeHeld(await this.read?.(signal))
  }

  async activate(move: Move, held: SecretBytes, signal: AbortSignal): Promise<void> {
    const value = await this.#value(move.edition)
    if (this.read) {
      const live = await this.read(signal)
      if (live?.equals(value)) return
      if (!isSame(live, decodeHeld(held))) throw new LiveChanged(`${this.place.path} was changed`)
    }
    const previous = move.previous && (await this.#value(move.previous))
    await this.#do(this.#options.write, [value.bytes, previous?.bytes ?? nothing], signal)
  }

  async withdraw(
    { edition }: Move,
    held: SecretBytes | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const value = await this.#value(edition)
    if (await this.#surelyLacks(value, signal)) return
    const before = held && decodeHeld(held)
    if (before) return this.#do(this.#options.write, [before.bytes, value.bytes], signal)
    const { remove } = this.#options
    if (remove) return this.#do(remove, [nothing, value.bytes], signal)
    throw new OperatorError(`${this.place.path} has no command that takes a value away`, {
      kind: 'config',
      hint: 'add `remove: [/path/to/program]` to the target',
    })
  }

  async inspect(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    try {
      return await this.#find(candidates, signal)
    } catch (error) {
      signal.throwIfAborted()
      return { holds: 'unknown', detail: messageOf(error) }
    }
  }

  async tidy(): Promise<void> {}

  async #find(candidates: readonly Edition[], signal: AbortSignal): Promise<Finding> {
    const { inspect } = this.#options
    if (!inspect && !this.read) {
      return { holds: 'unknown', detail: 'there is neither an inspect nor a read command' }
    }
    const live = await this.read?.(signal)
    if (this.read && !live) return { holds: 'nothing' }
    for (const edition of candidates) {
      const value = await this.#value(edition)
      const held = live ? live.equals(value) : await this.#ask(inspect ?? [], value, signal)
      if (held) return { holds: 'version', number: edition.version.number }
    }
    return { holds: 'something else' }
  }

  /** Whether the value is known not to be there. Not being able to tell is no knowledge. */
  async #surelyLacks(value: SecretBytes, signal: AbortSignal): Promise<boolean> {
    const { inspect } = this.#options
    if (inspect) return !(await this.#ask(inspect, value, signal))
    if (!this.read) return false
    return !(await this.read(signal))?.equals(value)
  }

  #value(edition: Edition): Promise<SecretBytes> {
    return edition.bytes(this.part, this.format)
  }

  async #ask(argv: readonly string[], value: SecretBytes, signal: AbortSignal): Promise<boolean> {
    const { timeout } = this.#options
    return (await askCommand({ argv, secrets: [value.bytes], signal, timeout })) === 'yes'
  }

  #do(argv: readonly string[], secrets: readonly Buffer[], signal: AbortSignal): Promise<void> {
    return doCommand({ argv, secrets, signal, timeout: this.#options.timeout })
  }

  async #print(argv: readonly string[], signal: AbortSignal): Promise<SecretBytes | undefined> {
    const { timeout } = this.#options
    const request = { argv, signal, timeout, maxOutput: longestValue }
    const result = await runCommand(request)
    const value = SecretBytes.take(result.stdout)
    if (answerOf(request, result) === 'no') return undefined
    if (result.truncated) throw new OperatorError(`${argv[0]} printed more than 1 MiB`)
    return value
  }
}

/** One byte says whether there was a value, the rest is the value. */
function encodeHeld(value: SecretBytes | undefined): SecretBytes {
  return SecretBytes.take(Buffer.concat([Buffer.from([value ? 1 : 0]), value?.bytes ?? nothing]))
}

function decodeHeld({ bytes }: SecretBytes): SecretBytes | undefined {
  return bytes[0] === 1 ? SecretBytes.copyOf(bytes.subarray(1)) : undefined
}

function isSame(a: SecretBytes | undefined, b: SecretBytes | undefined): boolean {
  return a && b ? a.equals(b) : a === b
}
