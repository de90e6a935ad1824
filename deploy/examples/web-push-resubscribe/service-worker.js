importScripts('/resubscribe.js')

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

// The browser or its push service gave the subscription up.
self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(renew(true)))

self.addEventListener('push', (event) => event.waitUntil(receive(event.data?.json() ?? {})))

async function receive({ type, title = 'News', text = '' }) {
  // Browsers let a few pushes pass that show nothing; a key changes seldom enough.
  if (type === 'resubscribe') return renew(false)
  await self.registration.showNotification(title, { body: text })
}

/** Whoever has a page open sees how it went. What fails here is tried again at the next visit. */
async function renew(wanted) {
  const said = await ensureSubscribed(self.registration, wanted).catch(
    (error) => `failed: ${error.name}`,
  )
  const clients = await self.clients.matchAll()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- clients are of this origin only
  for (const client of clients) client.postMessage(said)
}
