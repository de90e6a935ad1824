import type { Argument, Command, Option } from 'commander'

/** A word that may come next, and what it does. */
export interface Candidate {
  readonly word: string
  readonly description: string
}

/** What may stand at a place; the shell knows its files, and the daemon the materials. */
type Source =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  | { readonly kind: 'materials' | 'files' | 'nothing' }

/** What the word under the cursor may become. */
export interface Expected {
  readonly source: Source
  /** What stands before it in the same word: `--option=`. */
  readonly prefix: string
  /** As far as it was typed. */
  readonly start: string
}

const fileNames = /^(?:file|path|folder|name=file)$/

/**
 * What a command line expects next.
 * @param words those after `rekeyd`; the last is the one under the cursor
 */
export function expected(program: Command, words: readonly string[]): Expected {
  // Bash cuts `--option=value` into three words.
  const typed = words.filter((word) => word !== '=')
  const start = words.at(-1) === '=' ? '' : (typed.pop() ?? '')
  const { command, waiting, place, optionsEnded } = walk(program, typed)
  if (waiting) return { source: valueOf(waiting), prefix: '', start }
  if (start.startsWith('-') && !optionsEnded) return optionOf(command, start)
  const source = place === 0 ? firstOf(command) : argumentOf(command, place)
  return { source, prefix: '', start }
}

function optionOf(command: Command, typed: string): Expected {
  const [name, value] = split(typed)
  if (value === undefined) return { source: optionsOf(command), prefix: '', start: typed }
  const option = optionNamed(command, name)
  return {
    source: option ? valueOf(option) : { kind: 'nothing' },
    prefix: `${name}=`,
    start: value,
  }
}

/** Along the words that are complete: the command they lead to, and what it waits for. */
function walk(program: Command, words: readonly string[]) {
  let command = program
  let waiting: Option | undefined
  let place = 0
  let optionsEnded = false
  for (const word of words) {
    if (waiting) waiting = undefined
    else if (word === '--') optionsEnded = true
    else if (word.startsWith('-') && !optionsEnded) waiting = wantsValue(command, word)
    else {
      const inner = place === 0 ? command.commands.find((one) => one.name() === word) : undefined
      place += inner ? 0 : 1
      command = inner ?? command
    }
  }
  return { command, waiting, place, optionsEnded }
}

/** The option that the next word belongs to. */
function wantsValue(command: Command, word: string): Option | undefined {
  const [name, value] = split(word)
  const option = optionNamed(command, name)
  return value === undefined && (option?.required || option?.optional) ? option : undefined
}

function firstOf(command: Command): Source {
  const commands = command.createHelp().visibleCommands(command)
  if (commands.length === 0) return argumentOf(command, 0)
  return {
    kind: 'words',
    words: commands.map((one) => ({ word: one.name(), description: one.description() })),
  }
}

function argumentOf(command: Command, place: number): Source {
  const { registeredArguments } = command
  const last = registeredArguments.at(-1)
  const argument = registeredArguments[place] ?? (last?.variadic ? last : undefined)
  return argument ? choicesOf(argument, argument.name()) : { kind: 'nothing' }
}

function valueOf(option: Option): Source {
  const [, name = ''] = /[<[](.+)[>\]]/.exec(option.flags) ?? []
  return choicesOf(option, name)
}

function choicesOf({ argChoices }: Argument | Option, name: string): Source {
  if (argChoices) {
    return { kind: 'words', words: argChoices.map((word) => ({ word, description: '' })) }
  }
  if (name === 'name') return { kind: 'materials' }
  return { kind: fileNames.test(name) ? 'files' : 'nothing' }
}

function optionsOf(command: Command): Source {
  const options = command.createHelp().visibleOptions(command)
  return {
    kind: 'words',
    words: options.flatMap(({ long, description }) => (long ? [{ word: long, description }] : [])),
  }
}

function optionNamed(command: Command, name: string): Option | undefined {
  return command.options.find(({ long, short }) => name === long || name === short)
}

function split(word: string): [name: string, value: string | undefined] {
  const [, name = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
  return [name, value]
}
