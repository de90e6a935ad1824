// An application with push messages whose VAPID key rekeyd rotates. See README.md.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import webPush from 'web-push'
import { verify } from '../verify-webhook.js'
import { signingKey } from './signing-keys.js'
import { Subscriptions } from './subscriptions.js'

const files = {
  '/': ['index.html', 'text/html'],
  '/page.js': ['page.js', 'text/javascript'],
  '/resubscribe.js': ['resubscribe.js', 'text/javascript'],
  '/service-worker.js': ['service-worker.js', 'text/javascript'],
}
const largest = 64 * 1024

/**
 * @param publicKeys address of the material on rekeyd's public listener
 * @param secret file with the secret of the webhook
 * @param keys files with the private keys: the one in use and the previous one
 * @param state file for the subscriptions
 * @param contact `mailto:` or https address for push services
 * @param post how a push message is sent; as `fetch`
 */
export function createApplication({ publicKeys, secret, keys, state, contact, post = fetch }) {
  const subscriptions = new Subscriptions(state)

  async function askKeys() {
    const answer = await fetch(publicKeys)
    if (!answer.ok) throw new Error(`the public listener answers ${answer.status}`)
    return answer.json()
  }

  async function sendAll(message, isMeant = () => true) {
    const sent = subscriptions.all().filter(isMeant).map(async (entry) => {
      const status = await send(entry, message, { keys, contact, post })
      // RFC 8030 §7.3: it is gone for good.
      if (status === 404 || status === 410) subscriptions.delete(entry.subscription.endpoint)
    })
    for (const { reason } of await Promise.allSettled(sent)) if (reason) console.error(reason.message)
  }

  async function subscribe({ subscription, key_id: keyId, replaces }) {
    if (new URL(subscription.endpoint).protocol !== 'https:') return 400
    const { current, retiring } = await askKeys()
    const version = [current, ...retiring].find((one) => one?.key_id === keyId)
    // Its key is no longer in use: the client asks again.
    if (!version) return 409
    subscriptions.put({ subscription, key_id: keyId, key: version.parts.public_key }, replaces)
    return 204
  }

  /** From rekeyd. Answers at once; a client that is missed here compares the keys at its next visit. */
  async function hear(headers, body) {
    const message = await genuine(secret, headers, body)
    if (!message) return 401
    const { current } = message.data
    // May come twice: whoever has the key already does nothing.
    if (message.type === 'version.active' && current && !current.compromised) {
      void sendAll({ type: 'resubscribe' }, (entry) => entry.key_id !== current.key_id)
    }
    return 204
  }

  const server = createServer((request, response) => {
    answer(request, response, { askKeys, subscribe, hear }).catch((error) => {
      console.error(error.message)
      if (!response.headersSent) response.writeHead(error instanceof SyntaxError ? 400 : 500)
      response.end()
    })
  })
  return { server, sendAll }
}

/** Signed with the key that the subscription was made with: a push service takes no other. @returns what the push service answers */
async function send({ subscription, key }, message, { keys, contact, post }) {
  const vapid = await signingKey(keys, key)
  if (!vapid) return undefined
  const { endpoint, headers, body } = webPush.generateRequestDetails(
    subscription,
    JSON.stringify(message),
    { TTL: 86_400, vapidDetails: { subject: contact, ...vapid } },
  )
  // fetch counts the bytes itself.
  delete headers['Content-Length']
  const { status } = await post(endpoint, { method: 'POST', headers, body, redirect: 'error' })
  return status
}

async function answer(request, response, { askKeys, subscribe, hear }) {
  const route = `${request.method} ${request.url}`
  if (request.method === 'GET' && Object.hasOwn(files, request.url)) {
    const [name, type] = files[request.url]
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    response.setHeader('Content-Security-Policy', "default-src 'self'")
    return response.end(await readFile(join(import.meta.dirname, name)))
  }
  if (route === 'GET /push-keys') {
    response.setHeader('Content-Type', 'application/json')
    response.setHeader('Cache-Control', 'no-cache')
    return response.end(JSON.stringify(await askKeys()))
  }
  if (route === 'POST /subscriptions') {
    return response.writeHead(await subscribe(JSON.parse(await bodyOf(request)))).end()
  }
  if (route === 'POST /rekeyd') {
    return response.writeHead(await hear(request.headers, await bodyOf(request))).end()
  }
  response.writeHead(404).end()
}

async function genuine(secret, headers, body) {
  try {
    return verify(await readFile(secret, 'utf8'), headers, body)
  } catch {
    return undefined
  }
}

async function bodyOf(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > largest) throw new SyntaxError('the body is larger than 64 KiB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

if (import.meta.main) {
  const { PUBLIC_KEYS, WEBHOOK_SECRET_FILE, VAPID_KEY_FILES = '', CONTACT, PORT = '8080' } = process.env
  const { server } = createApplication({
    publicKeys: PUBLIC_KEYS,
    secret: WEBHOOK_SECRET_FILE,
    keys: VAPID_KEY_FILES.split(':'),
    state: 'subscriptions.json',
    contact: CONTACT,
  })
  server.listen(Number(PORT), '127.0.0.1')
}
