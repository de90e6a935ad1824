// The quickstart's chat server, in miniature: a stand-in for a consumer of the operator's own. It reads its
// key material once, at start, and shows over HTTPS what it uses. Run as `demo-server.ts FOLDER PORT`.
import { createHash, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { join } from 'node:path'
import { setInterval } from 'node:timers'
import { derivePublicKey } from '../formats/ed25519.ts'
import { derivePoint } from '../formats/p256.ts'
import { openDemoDatabase } from './demo-database.ts'

const [folder = '.', port = '9443'] = process.argv.slice(2)
const environment = readEnvironment(join(folder, 'secrets.env'))
const db = await openDemoDatabase(join(folder, 'chat.db'), Buffer.from(environment['DB_KEY'] ?? ''))
const countMessages = db.prepare('SELECT count(*) FROM message').pluck()
const addMessage = db.prepare(`INSERT INTO message (room, body) VALUES ('lobby', 'still here')`)

const server = createServer()
server.listen(Number(port), '127.0.0.1', () => {
  writeFileSync(join(folder, 'server.pid'), String(process.pid))
})
const heartbeat = setInterval(() => {
  addMessage.run()
  // Whoever removed the folder wants no server either.
  if (!existsSync(folder)) stop()
}, 1_000)
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

/** Without a certificate yet (the very first start) it speaks plain HTTP. */
function createServer() {
  const key = join(folder, 'tls/current/key.pem')
  if (!existsSync(key)) return createHttp(answer)
  const certificate = join(folder, 'tls/current/fullchain.pem')
  return createHttps({ key: readFileSync(key), cert: readFileSync(certificate) }, answer)
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const page = request.url === '/login' ? login(request) : pages[request.url ?? '']?.()
  const status = page === undefined ? 404 : page === denied ? 401 : 200
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(page ?? { error: 'not found' })}\n`)
}

const denied = { error: 'not authorised' }

const pages: Readonly<Record<string, () => object>> = {
  '/health': () => ({ ok: true }),
  '/messages': () => ({ messages: countMessages.get() }),
  '/push': () => ({ vapid: { key: vapidKey(environment['VAPID_PRIVATE_KEY']) } }),
  '/signing-key': () => ({ fingerprint: signingKeyFingerprint(environment['SIGNING_KEY']) }),
}

function login({ headers }: IncomingMessage): object {
  const given = createHash('sha256')
    .update(headers.authorization ?? '')
    .digest()
  const token = environment['AUTH_TOKEN']
  const wanted = createHash('sha256').update(`Bearer ${token}`).digest()
  return token && timingSafeEqual(given, wanted) ? { ok: true } : denied
}

/** What a browser subscribes with: the uncompressed point, base64url (RFC 8292 §4). */
function vapidKey(privateKey: string | undefined): string | undefined {
  if (!privateKey) return undefined
  return derivePoint(Buffer.from(privateKey, 'base64url'))?.toString('base64url')
}

/** SHA-256 of the raw Ed25519 public key of the seed. */
function signingKeyFingerprint(seed: string | undefined): string | undefined {
  if (!seed) return undefined
  const publicKey = derivePublicKey(Buffer.from(seed, 'hex'))
  return `sha256:${createHash('sha256').update(publicKey).digest('hex')}`
}

function readEnvironment(path: string): Readonly<Record<string, string>> {
  const lines = readFileSync(path, 'utf8').matchAll(/^(\w+)=(?:'([^']*)'|"([^"]*)"|(.*))$/gm)
  return Object.fromEntries(
    [...lines].map(([, name, single, double, bare]) => [name, single ?? double ?? bare ?? '']),
  )
}

function stop(): void {
  clearInterval(heartbeat)
  server.close(() => {
    db.close()
    rmSync(join(folder, 'server.pid'), { force: true })
  })
  server.closeAllConnections()
}
