import type { Command, CommanderError } from 'commander'
import { OperatorError } from '../support/operator-error.ts'

/** Commands that the documentation of later versions has. */
const laterCommands = ['install']

/** What is wrong with a command line, from the parser's message. */
export function usageError(
  { code, message }: CommanderError,
  argv: readonly string[],
  program: Command,
): OperatorError {
  const [said = '', ...rest] = message.replace(/^error: /, '').split('\n')
  const [, meant] = /^\(Did you mean (.+)\?\)$/.exec(rest.join(' ')) ?? []
  const [, unknown = ''] = /'(.+)'/.exec(said) ?? []
  if (code === 'commander.unknownCommand' && laterCommands.includes(unknown)) {
    return usage(`\`rekeyd ${unknown}\` is not in this version yet`)
  }
  const command = program.commands.find((command) => argv.includes(command.name()))
  const help = command ? `rekeyd ${command.name()} --help` : 'rekeyd --help'
  const hint = meant === undefined ? `\`${help}\` shows what there is` : `did you mean ${meant}?`
  return usage(said.replace(/\.$/, ''), hint)
}

function usage(message: string, hint?: string): OperatorError {
  return new OperatorError(message, { kind: 'usage', ...(hint !== undefined && { hint }) })
}
