import type { MaterialView, StatusView } from '../operations/views.ts'

/** The status of all materials as one page without scripts and styles. */
export function statusPage({ version, mode, clock, materials }: StatusView): string {
  const doubt = clock.suspect ? `<p>The clock is not trusted: ${text(clock.reason)}</p>` : ''
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>rekeyd</title>
<h1>rekeyd ${text(version)}</h1>
<p>Mode: ${text(mode)}</p>
${doubt}
<table>
<thead><tr>${columns.map(({ title }) => `<th scope="col">${title}</th>`).join('')}</tr></thead>
<tbody>
${materials.map(row).join('\n')}
</tbody>
</table>
</html>
`
}

const columns: readonly {
  readonly title: string
  readonly of: (material: MaterialView) => string | undefined
}[] = [
  { title: 'Material', of: ({ name }) => name },
  { title: 'Kind', of: ({ kind }) => kind },
  { title: 'State', of: ({ state, reason }) => (reason ? `${state}: ${reason}` : state) },
  { title: 'Version', of: ({ active }) => active?.version.toString() },
  { title: 'Last rotation', of: ({ last_rotation }) => last_rotation },
  { title: 'Next rotation', of: ({ next_rotation }) => next_rotation },
  { title: 'Expires', of: ({ active }) => active?.not_after },
  { title: 'Drift', of: ({ drift }) => drift.map(({ place }) => place).join(', ') },
]

function row(material: MaterialView): string {
  return `<tr>${columns.map(({ of }) => `<td>${text(of(material))}</td>`).join('')}</tr>`
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function text(value = ''): string {
  return value.replace(/[&<>"']/g, (character) => entities[character] ?? '')
}
