import type { Problem } from '../problem.ts'
import { html } from './html.ts'
import { layout } from './layout.ts'

/** Asks for an API token. @param problem why it is asked for; nothing is said of none at all */
export function signInPage({ status, detail, hint, kind }: Problem): string {
  const said = kind === 'refused' && !detail.startsWith('this needs')
  return layout(
    'Sign in · rekeyd',
    html`<section class="card narrow">
<h1>Sign in</h1>
${said && html`<p class="why" role="alert">${detail}${status === 429 && hint !== undefined && html`: ${hint}`}.</p>`}
<form method="post" action="/sign-in">
<label for="token">API token</label>
<input id="token" name="token" type="password" required maxlength="200" autocomplete="current-password" spellcheck="false" autofocus>
<button class="primary">Sign in</button>
</form>
<p class="muted">On the host, <code>rekeyd api-token add NAME --scope rotate</code> makes one: read only looks, rotate also rotates and pauses, admin also rolls back. It stays on the host as a hash; this browser keeps a cookie for at most 12 hours.</p>
<p class="muted">If you come back here after signing in, the browser keeps no secure cookie without TLS: use Chromium or Firefox, or set <code>admin.http.tls</code>.</p>
</section>`,
  )
}
