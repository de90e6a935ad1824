import type { StatusView } from '../../operations/views.ts'
import { type Html, html } from './html.ts'
import { inlineMoment } from './moment.ts'
import { may, type Visitor } from './visitor.ts'

const modes: Readonly<Record<StatusView['mode'], string>> = {
  rotate: 'rotates by itself what is due',
  approve: 'asks before each rotation',
  observe: 'only watches, and changes nothing',
}

/** What has to be said before anything else. */
export function banners({ clock, mode }: StatusView, visitor: Visitor): Html {
  return html`<div id="banners" data-live>${clock.suspect && html`<p class="banner critical" role="alert"><b>The clock is not trusted</b>: ${clock.reason ?? 'it jumped'}. Nothing is made until it is steady for ten minutes or synchronised.</p>`}${mode === 'observe' && html`<p class="banner"><b>Mode observe</b>: rekeyd only watches. Set <code>mode: rotate</code> in the configuration to let it rotate.</p>`}${!may(visitor, 'rotate') && html`<p class="banner"><b>This token may only read.</b> <code>rekeyd api-token add NAME --scope rotate</code> makes one that may rotate and pause; sign in with that.</p>`}</div><noscript><p class="banner">Without JavaScript this page only shows, and does not follow what happens. The <code>rekeyd</code> command does all the rest.</p></noscript>`
}

/** What rekeyd says of itself. */
export function footer(status: StatusView, now: number): Html {
  const { version, mode, started, audit_head: head, paths } = status
  return html`<footer id="about" data-live class="muted"><p>rekeyd ${version}, mode ${mode}: ${modes[mode]}.${started !== undefined && html` Started ${inlineMoment(started, now)}.`} State in <code>${paths.state_dir}</code>. Times are UTC.</p><p>Audit head <code class="head">${head}</code>: kept elsewhere, it shows later whether rows were cut off.</p></footer>`
}
