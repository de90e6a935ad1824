import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { Session } from '../session/session.ts'

interface RevealFlags {
  readonly out: string
  readonly version?: number | 'next' | 'previous'
  readonly part?: string
  readonly format?: string
}

export function addReveal(program: Command, session: Session): void {
  program
    .command('reveal')
    .description('write a secret to a new file that only its owner reads; this is audited')
    .argument('<name>', 'material')
    .requiredOption('--out <file>', 'the file, which must not exist', notTheTerminal)
    .option('--version <which>', 'a number, next or previous; the active one by default', whichOf)
    .option('--part <part>', 'a part of it, such as private_key')
    .option('--format <format>', 'its format, such as pem')
    .action(async (name: string, { out, version, part, format }: RevealFlags) => {
      const path = resolve(session.terminal.directory, out)
      const revealed = await session.connected((operations) =>
        operations.reveal(name, version, part, format, path, session.caller()),
      )
      session.answer({ material: name, version: revealed.version, out: path }, () => {
        return `${name}: wrote version ${revealed.version} to ${path} (mode 0600)\n`
      })
    })
}

function notTheTerminal(path: string): string {
  if (path !== '-' && !path.startsWith('/dev/') && !path.startsWith('/proc/')) return path
  throw new InvalidArgumentError('A secret goes to a file, never to a terminal or a pipe.')
}

function whichOf(text: string): number | 'next' | 'previous' {
  if (text === 'next' || text === 'previous') return text
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It must be a number, next or previous.')
}
