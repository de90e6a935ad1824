import type { Problem } from '../problem.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

/** What went wrong, in words, and what to do. */
export function problemPage({ title, status, detail, hint, id }: Problem): string {
  return layout(
    `${title} · rekeyd`,
    html`<section class="card narrow" role="alert">
<h1>${title}</h1>
<p class="why">${detail}</p>
${hint !== undefined && html`<p>${hint}</p>`}
<p class="muted">HTTP ${status}${id !== undefined && html`, id <code>${id}</code>`}. <a href="/">All materials</a></p>
</section>`,
  )
}
