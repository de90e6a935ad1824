// Stands in for quicprochat's server, with its file formats and its transport: QUIC over UDP, a DER certificate
// and a PKCS#8 DER key, its token from TOML, its database key from a systemd EnvironmentFile, SQLCipher 4 in
// WAL mode. Reads everything once, at start. Run as `quicprochat-server.ts FOLDER`.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { server as opaque } from '@serenity-kit/opaque'
import { parse } from 'smol-toml'
import { type Answer, alpn, type Question, serveQuic } from './qpc-transport.ts'
import { completeState, openQuicprochat, stateRow } from './quicprochat-database.ts'
import { systemdEnvironment } from './systemd-environment.ts'

interface ServerConfig {
  readonly port: number
  readonly production: boolean
  readonly auth_token: string
  readonly federation: { readonly port: number }
}

const [folder = '.'] = process.argv.slice(2)
const inFolder = (name: string) => join(folder, name)
const config = parse(readFileSync(inFolder('qpc-server.toml'), 'utf8')) as unknown as ServerConfig
const environment = systemdEnvironment(inFolder('secrets.env'))
const token = environment['QPC_AUTH_TOKEN'] ?? config.auth_token
if (config.production) refuseWeakness()

const db = openQuicprochat(inFolder('qpc.db'), environment['QPC_DB_KEY'] ?? '')
await completeState(db)
const serverSetup = stateRow(db, 'opaque_setup').toString('base64url')
const addUser = db.prepare('INSERT INTO users (username, record) VALUES (?, ?)')
const findUser = db.prepare('SELECT record FROM users WHERE username = ?')
const deliver = db.prepare('INSERT INTO delivered (body) VALUES (randomblob(64))')
const logins = new Map<string, string>()

const methods: Readonly<Record<string, (question: Question) => Answer>> = {
  hello: (question) => (question['token'] === token ? {} : { error: 'bad token' }),
  deliver: () => {
    deliver.run()
    return {}
  },
  'signing-key': () => ({ key: signingKey() }),
  'register-start': ({ user: userIdentifier = '', request: registrationRequest = '' }) => ({
    response: opaque.createRegistrationResponse({
      serverSetup,
      userIdentifier,
      registrationRequest,
    }).registrationResponse,
  }),
  'register-finish': ({ user = '', record = '' }) => {
    addUser.run([user, record])
    return {}
  },
  'login-start': ({ user: userIdentifier = '', request: startLoginRequest = '' }) => {
    const registrationRecord = findUser.get<{ record: string }>([userIdentifier])?.record
    const question = { serverSetup, userIdentifier, registrationRecord, startLoginRequest }
    const { loginResponse, serverLoginState } = opaque.startLogin(question)
    logins.set(userIdentifier, serverLoginState)
    return { response: loginResponse }
  },
  'login-finish': ({ user = '', request: finishLoginRequest = '' }) => {
    const serverLoginState = logins.get(user) ?? ''
    return { session: opaque.finishLogin({ finishLoginRequest, serverLoginState }).sessionKey }
  },
}

const listeners = await Promise.all([
  serveQuic(config.port, pairOf('server'), alpn.clients, answer),
  serveQuic(config.federation.port, pairOf('federation'), alpn.federation, answer),
])
writeFileSync(inFolder('server.pid'), String(process.pid), { mode: 0o600 })
process.once('SIGTERM', () => void stop())

function answer(question: Question): Answer {
  try {
    return methods[question.method]?.(question) ?? { error: 'no such method' }
  } catch {
    return { error: 'refused' }
  }
}

function signingKey(): string {
  // RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS#8.
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  const key = Buffer.concat([head, stateRow(db, 'signing_key_seed')])
  const { x = '' } = createPublicKey(
    createPrivateKey({ key, format: 'der', type: 'pkcs8' }),
  ).export({ format: 'jwk' })
  return x
}

function refuseWeakness(): void {
  if (token.length < 16 || token === 'devtoken') fail('production forbids this auth token')
  for (const name of [
    'server-cert.der',
    'server-key.der',
    'federation-cert.der',
    'federation-key.der',
  ]) {
    if (!existsSync(inFolder(name))) fail(`TLS cert or key missing: ${name}`)
  }
}

/** As rustls takes them: one certificate, a key in PKCS#8 and in nothing else, and both a pair. */
function pairOf(name: string) {
  const der = readFileSync(inFolder(`${name}-key.der`))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const certificate = new X509Certificate(readFileSync(inFolder(`${name}-cert.der`)))
  if (!certificate.checkPrivateKey(key)) fail(`${name}: keys may not be consistent`)
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: certificate.toString(),
  }
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`)
  process.exit(1)
}

async function stop(): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.stop({ force: true })))
  db.close()
  rmSync(inFolder('server.pid'), { force: true })
  process.exit(0)
}
