import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { ImportPart } from '../../operations/views.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { conclude } from '../session/conclude.ts'
import { accepted } from '../session/confirm.ts'
import type { Session } from '../session/session.ts'

interface ImportFlags {
  readonly certificate?: string
  readonly key?: string
  readonly chain?: string
  readonly part: readonly ImportPart[]
  readonly acceptImpact?: string
}

export function addImport(program: Command, session: Session): void {
  program
    .command('import')
    .description('put a version that was made elsewhere in place; nothing if it is in use already')
    .argument('<name>', 'material')
    .option('--certificate <file>', 'certificate, alone or with its chain')
    .option('--key <file>', 'private key')
    .option('--chain <file>', 'the certificates above it')
    .option('--part <name=file>', 'any other part, as often as needed', addPart, [])
    .option('--accept-impact <name>', 'the name again, where clients will break')
    .action(async (name: string, flags: ImportFlags) => {
      const parts = partsOf(flags, session.terminal.directory)
      await session.connected(async (operations) => {
        const acceptance = await accepted(session, operations, name, flags.acceptImpact)
        const rotation = await operations.import(name, parts, acceptance, session.caller())
        if (rotation) return conclude(session, rotation)
        session.answer({ material: name, changed: false }, () => {
          return `${name}: this version is active already\n`
        })
      })
    })
}

function partsOf(flags: ImportFlags, directory: string): readonly ImportPart[] {
  const named: readonly (readonly [part: string, path: string | undefined])[] = [
    ['certificate', flags.certificate],
    ['private_key', flags.key],
    ['chain', flags.chain],
    ...flags.part.map(({ part, path }) => [part, path] as const),
  ]
  const parts = named.flatMap(([part, path]) =>
    // The daemon reads the files, and its working directory is another.
    path === undefined ? [] : [{ part, path: resolve(directory, path) }],
  )
  if (parts.length > 0) return parts
  throw new OperatorError('import needs at least one file', {
    kind: 'usage',
    hint: '`rekeyd import NAME --certificate FILE --key FILE`, or `--part NAME=FILE`',
  })
}

function addPart(text: string, earlier: readonly ImportPart[]): readonly ImportPart[] {
  const [, part, path] = /^([a-z0-9_]+)=(.+)$/.exec(text) ?? []
  if (part !== undefined && path !== undefined) return [...earlier, { part, path }]
  throw new InvalidArgumentError('It must be NAME=FILE.')
}
