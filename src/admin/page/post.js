// What changes something.

const csrf = document.querySelector('meta[name=csrf]')?.content

/** Asks the API. @throws Error with `detail`, `hint` and `id` of the problem (RFC 9457) */
export async function post(path, body, more = {}) {
  const headers = { 'Content-Type': 'application/json', ...more }
  if (csrf) headers['X-Rekeyd-Csrf'] = csrf
  const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }).catch(
    () => undefined,
  )
  if (!answer) throw problem(unreachable)
  const content = answer.status === 204 ? {} : await answer.json().catch(() => ({}))
  if (!answer.ok) throw problem(content)
  return content
}

const unreachable = {
  detail: 'rekeyd does not answer',
  hint: 'Is it running, and the tunnel open?',
}

function problem({ detail = 'This failed', hint, id }) {
  return Object.assign(new Error(detail), { detail, hint, id })
}
