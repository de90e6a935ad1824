// Loaded by the page and by the service worker: both do the same, whoever comes first.

/**
 * Sees that the browser is subscribed with the key that is in use now.
 * @param wanted whether to subscribe where there is no subscription
 * @returns `unchanged`, `subscribed`, `resubscribed`, `not subscribed` or `no key`
 * @throws AbortError when the push service cannot be reached; NotAllowedError without the permission
 */
async function ensureSubscribed(registration, wanted) {
  const answer = await fetch('/push-keys', { cache: 'no-cache' })
  if (!answer.ok) throw new Error(`/push-keys answers ${answer.status}`)
  const { current } = await answer.json()
  // One that has leaked is about to be replaced: nothing new is to depend on it.
  if (!current || current.compromised) return 'no key'
  const key = bytesOf(current.parts.public_key)
  const old = await registration.pushManager.getSubscription()
  if (!old && !wanted) return 'not subscribed'
  if (old && isSame(new Uint8Array(old.options.applicationServerKey), key)) return 'unchanged'
  // A browser has one subscription, and refuses another key while the old one is there.
  await old?.unsubscribe()
  const subscription = await registration.pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: key,
  })
  try {
    await hand({ subscription, key_id: current.key_id, replaces: old?.endpoint })
  } catch (error) {
    // What the server does not know is worth nothing: the next visit begins anew.
    await subscription.unsubscribe()
    throw error
  }
  return old ? 'resubscribed' : 'subscribed'
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

function isSame(one, other) {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}
