import type { RotationView } from '../../operations/views.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'
import { changesOf, resultOf, stepLog } from './step-log.ts'
import type { Visitor } from './visitor.ts'

/** One rotation by itself. While it goes on, the script shows its log in the dialog that started it. */
export function rotationPage(rotation: RotationView, visitor: Visitor): string {
  const names = [...new Set(rotation.changes.map(({ material }) => material))]
  return layout(
    `${changesOf(rotation)} · rekeyd`,
    html`<section id="rotation" data-live>
<p class="up"><a href="/">All materials</a>${names.map((name) => html` / <a href="/materials/${name}">${name}</a>`)}</p>
<h1>${changesOf(rotation)} ${resultOf(rotation)}</h1>
<div class="card">${stepLog(rotation)}</div>
</section>`,
    visitor,
  )
}
