import type { CompromiseView, Endangered } from '../../operations/views.ts'
import { plain, type Style } from './style.ts'
import { table } from './table.ts'

/** What a compromise leaves to a person: what else is in danger, and what to do elsewhere. */
export function aftermath(name: string, view: CompromiseView, style: Style): string {
  const { endangers, contained_in, elsewhere } = view
  return [
    ...(endangers.length === 0
      ? []
      : [
          `\nwhoever has ${name} has these, too; none of them was replaced:\n`,
          table(
            ['MATERIAL', 'KIND', 'THROUGH', 'REPLACE IT WITH', 'IMPACT'],
            rows(endangers),
            style,
          ),
        ]),
    ...(contained_in.length === 0
      ? []
      : [`\n${name} may have leaked with what holds it: ${contained_in.join(', ')}\n`]),
    ...(view.purged === undefined ? [] : [`\nbackups deleted: ${view.purged}\n`]),
    '\nelsewhere:\n',
    ...elsewhere.map((text) => `  ${plain(text)}\n`),
  ].join('')
}

function rows(endangers: readonly Endangered[]) {
  return endangers.map(({ material, kind, through, command, impact }) => [
    material,
    kind,
    // The first is the one that leaked.
    through.slice(1).join(' → '),
    command,
    impact ?? '',
  ])
}
