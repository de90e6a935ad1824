// A small HTTPS server that reads certificate, key and tokens once, at start, and has whims: whim.json names the
// certificate it knows, and what it does with any other one. Run as `https-server.ts FOLDER PORT`.
import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { systemdEnvironment } from './systemd-environment.ts'

export interface Whim {
  /** SHA-256 of the certificate that it does as it should with, hex. */
  readonly known: string
  readonly otherwise: 'does not start' | 'dies within the dwell' | 'serves the old one' | 'hangs up'
}

const [folder = '.', port = '0'] = process.argv.slice(2)
const inFolder = (name: string) => join(folder, name)
const tokens = ['one', 'two'].flatMap((name) =>
  existsSync(inFolder(`${name}/token.env`))
    ? [systemdEnvironment(inFolder(`${name}/token.env`))['TOKEN'] ?? '']
    : [],
)
let cert = readFileSync(inFolder('tls/current/cert.pem'))
let key = readFileSync(inFolder('tls/current/key.pem'))
const whim = whimFor(cert)
if (whim === 'does not start') process.exit(1)
if (whim === 'serves the old one') {
  cert = readFileSync(inFolder('tls/old-cert.pem'))
  key = readFileSync(inFolder('tls/old-key.pem'))
}

const server = createServer({ cert, key }, (request, response) => {
  const accepted = tokens.every((token) => request.headers.authorization === `Bearer ${token}`)
  response.writeHead(accepted ? 200 : 401).end()
})
if (whim === 'hangs up') server.prependListener('connection', (socket) => socket.destroy())
if (whim === 'dies within the dwell') {
  // One asks whether it is ready, one whether it has the new certificate, one whether it has the old one.
  let left = 3
  const gone = () => void ((left -= 1) === 0 && process.exit(1))
  server.on('connection', (socket: Socket) => socket.once('close', gone))
}
server.listen(Number(port), '127.0.0.1', () =>
  writeFileSync(inFolder('server.pid'), String(process.pid)),
)
process.once('SIGTERM', () => {
  rmSync(inFolder('server.pid'), { force: true })
  process.exit(0)
})

function whimFor(pem: Buffer): Whim['otherwise'] | undefined {
  if (!existsSync(inFolder('whim.json'))) return undefined
  const { known, otherwise } = JSON.parse(readFileSync(inFolder('whim.json'), 'utf8')) as Whim
  const fingerprint = createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')
  return fingerprint === known ? undefined : otherwise
}
