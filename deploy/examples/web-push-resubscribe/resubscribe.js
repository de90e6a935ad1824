// Loaded by the page and by the service worker: both do the same, whoever comes first.

/** For the push service, which some browsers wait for without an end. Milliseconds. */
const patience = 20_000

/**
 * Sees that the browser is subscribed with the key that is in use now, and that the server knows.
 * @param wanted whether to subscribe where there never was a subscription
 * @returns `unchanged`, `subscribed`, `resubscribed`, `not subscribed` or `no key`
 * @throws AbortError or TimeoutError when the push service cannot be reached; NotAllowedError without the permission
 */
globalThis.ensureSubscribed = async (registration, wanted) => {
  const current = await currentKey()
  if (!current) return 'no key'
  const key = bytesOf(current.parts.public_key)
  const old = await registration.pushManager.getSubscription()
  const known = await knownEndpoint()
  const isCurrent = hasKey(old, key)
  if (isCurrent && old.endpoint === known) return 'unchanged'
  if (!old && known === undefined && !wanted) return 'not subscribed'
  const subscription = isCurrent ? old : await subscribeAnew(registration, old, key)
  await hand({ subscription, key_id: current.key_id, replaces: known })
  await know(subscription.endpoint)
  return old && !isCurrent ? 'resubscribed' : 'subscribed'
}

/** One that has leaked is about to be replaced: nothing new is to depend on it. */
async function currentKey() {
  const answer = await fetch('/push-keys', { cache: 'no-cache' })
  if (!answer.ok) throw new Error(`/push-keys answers ${answer.status}`)
  const { current } = await answer.json()
  return current?.compromised ? undefined : current
}

/** A browser has one subscription, and refuses another key while the old one is there. */
async function subscribeAnew({ pushManager }, old, applicationServerKey) {
  await old?.unsubscribe()
  const late = new Promise((_, reject) => {
    const error = new DOMException('the push service does not answer', 'TimeoutError')
    setTimeout(() => reject(error), patience)
  })
  return Promise.race([pushManager.subscribe({ userVisibleOnly: true, applicationServerKey }), late])
}

/** What the server has taken, in the one storage that a page and its worker share without ceremony. */
async function knownEndpoint() {
  const cache = await caches.open('push')
  return (await cache.match('/known-endpoint'))?.text()
}

async function know(endpoint) {
  const cache = await caches.open('push')
  await cache.put('/known-endpoint', new Response(endpoint))
}

async function hand(body) {
  const headers = { 'Content-Type': 'application/json' }
  const options = { method: 'POST', headers, body: JSON.stringify(body) }
  const { ok, status } = await fetch('/subscriptions', options)
  if (!ok) throw new Error(`/subscriptions answers ${status}`)
}

function bytesOf(base64url) {
  const binary = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

function hasKey(subscription, key) {
  if (!subscription) return false
  const own = new Uint8Array(subscription.options.applicationServerKey)
  return own.length === key.length && own.every((byte, index) => byte === key[index])
}
