import type { Command } from 'commander'
import { build } from '../build.ts'

/** What the help of the commands does not say. In roff, man(7). */
const around = {
  files: [
    [
      '/etc/rekeyd/rekeyd.yaml',
      'the configuration, unless REKEYD_CONFIG or \\-\\-config says another',
    ],
    ['/run/rekeyd/admin.sock', 'the admin socket: whoever may open it may do everything'],
    ['./var/admin.sock', 'the admin socket of `npm start`, looked for first'],
    ['/var/lib/rekeyd', 'the store, and the public keys of all versions'],
  ],
  environment: [
    ['REKEYD_CONFIG', 'the configuration file'],
    ['REKEYD_SOCKET', 'the admin socket'],
    ['NO_COLOR', 'no colours, also on a terminal'],
    ['REKEYD_DEBUG', 'an unexpected error is shown with its stack'],
  ],
  'exit status': [
    ['0', 'done, also when nothing was due'],
    ['1', 'failed'],
    ['2', 'usage'],
    ['3', 'the configuration is not valid'],
    ['4', 'no daemon answers, and the store is locked or absent'],
    ['5', 'refused by policy, or a confirmation is missing'],
    ['6', 'the rotation failed and was rolled back'],
    ['7', 'needs attention; also the store of another host'],
    ['8', 'busy'],
  ],
} as const

/** The manual page of the whole command line, in man(7) of groff and mandoc. */
export function manual(program: Command): string {
  const help = program.createHelp()
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help')
  const common = new Set(program.options.map(({ flags }) => flags))
  return `${[
    `.TH REKEYD 1 "${new Date(build.date).toISOString().slice(0, 10)}" "rekeyd ${program.version() ?? ''}" "User Commands"`,
    '.SH NAME',
    `rekeyd \\- ${firstLower(program.description()).replace(/\.$/, '')}`,
    '.SH SYNOPSIS',
    '.B rekeyd',
    '.I command',
    '[\\fIoptions\\fR] [\\fIname\\fR]',
    '.SH COMMANDS',
    ...commands.flatMap((command) => section(command, `rekeyd`, common)),
    '.SH OPTIONS',
    'Every command has these.',
    ...program.options.flatMap(({ flags, description }) => item(bold(flags), roff(description))),
    ...Object.entries(around).flatMap(([title, items]) => [
      `.SH ${title.toUpperCase()}`,
      ...items.flatMap(([term, text]) => item(bold(term), text.replace(/^\./, '\\&.'))),
    ]),
  ].join('\n')}\n`
}

function section(command: Command, parent: string, common: ReadonlySet<string>): string[] {
  const name = `${parent} ${command.name()}`
  const inner = command.createHelp().visibleCommands(command)
  const own = inner.filter((one) => one.name() !== 'help')
  if (own.length > 0) return own.flatMap((one) => section(one, name, common))
  const options = command.options.filter(({ flags, hidden }) => !hidden && !common.has(flags))
  const words = command.registeredArguments.map((argument) => {
    const shown = `\\fI${roff(argument.name())}\\fR${argument.variadic ? '...' : ''}`
    return argument.required ? shown : `[${shown}]`
  })
  return [
    `.SS ${[roff(name), ...words].join(' ')}`,
    sentence(command.description()),
    ...options.flatMap(({ flags, description, argChoices }) =>
      item(
        bold(flags),
        roff(argChoices ? `${description} (${argChoices.join(', ')})` : description),
      ),
    ),
  ]
}

function item(term: string, text: string): string[] {
  return ['.TP', term, text]
}

function bold(text: string): string {
  return `.B ${roff(text)}`
}

function sentence(text: string): string {
  const [first = '', ...rest] = text
  return roff(`${first.toUpperCase()}${rest.join('')}.`)
}

function firstLower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

/** Text in which nothing is a request or an escape. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
}
