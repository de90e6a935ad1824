import type { End } from '../incident/ends.ts'
import { commandOf, type Turn } from '../incident/turns.ts'
import { plain, type Style } from './style.ts'
import { table } from './table.ts'

/** The order, with what to type for each. */
export function turnTable(turns: readonly Turn[], style: Style): string {
  if (turns.length === 0) return 'no materials\n'
  const rows = turns.map(({ material, replaced }, index) => [
    String(index + 1),
    material.name,
    material.kind,
    material.consumers.join(', '),
    replaced ? 'replaced since then' : commandOf(material),
    material.impact ?? '',
  ])
  return [
    table(['', 'MATERIAL', 'KIND', 'CONSUMERS', 'COMMAND', 'IMPACT'], rows, style),
    '\nwhat holds others comes first: a fresh value under a leaked key has leaked, too\n',
    'the schedule goes on meanwhile; `rekeyd pause --all --until 4h --reason incident` holds it\n',
  ].join('')
}

/** How it ended for each, and what is left to do elsewhere. */
export function endTable(ends: readonly End[], style: Style): string {
  const rows = ends.map(({ material, result, detail }) => [material, result, detail ?? ''])
  const errands = Map.groupBy(
    ends.flatMap(({ material, elsewhere = [] }) => elsewhere.map((text) => ({ material, text }))),
    ({ text }) => text,
  )
  const lines = [...errands].map(([text, those]) => {
    return `  ${plain(text)} (${those.map(({ material }) => material).join(', ')})\n`
  })
  return [
    table(['MATERIAL', 'RESULT', 'DETAIL'], rows, style),
    ...(lines.length > 0 ? ['\nelsewhere:\n', ...lines] : []),
  ].join('')
}
