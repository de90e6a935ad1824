import type { Command } from 'commander'
import type { Config } from '../../config/config.ts'
import { plain } from '../output/style.ts'
import type { Session } from '../session/session.ts'

export function addCheckConfig(program: Command, session: Session): void {
  program
    .command('check-config')
    .description('read the config and list everything that is wrong; touches nothing')
    .argument('[file]', 'config file')
    .action(async (file: string | undefined) => {
      const { where, parts } = session
      const config = await parts.loadConfig(file === undefined ? where : { ...where, config: file })
      const found = foundIn(config)
      session.answer({ ok: true, ...found }, () => {
        const counts = [
          counted(found.materials.length, 'material'),
          counted(found.consumers.length, 'consumer'),
          counted(found.windows.length, 'window'),
        ]
        const lines = [`ok: ${config.path}`, `${counts.join(', ')}; mode ${config.mode}`]
        const kinds = config.materials.map(({ name, kind }) => `  ${name} (${kind.type})`)
        return [...lines, ...kinds].map((line) => `${plain(line)}\n`).join('')
      })
    })
}

function foundIn({ path, mode, stateDir, materials, consumers, windows }: Config) {
  const names = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name)
  return {
    path,
    mode,
    state_dir: stateDir,
    materials: names(materials),
    consumers: names(consumers),
    windows: names(windows),
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
