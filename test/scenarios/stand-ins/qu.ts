// Stands in for a QUptime node: reads node.yaml and keys/ once, at start, and answers `Join` over TLS 1.3 by
// the cluster secret (qu ≤ 0.1.2). A key that is not the certificate's fails every handshake and no start, as
// there. Run as `qu.ts DATA_DIR PIDFILE`.
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { parse } from 'yaml'
import { readFrame, writeFrame } from './qu-frames.ts'

interface NodeFile {
  readonly bind_port: number
  readonly cluster_secret?: string
}

const [folder = '.', pidFile = ''] = process.argv.slice(2)
const node = parse(readFileSync(join(folder, 'node.yaml'), 'utf8')) as NodeFile
const pair = {
  key: readFileSync(join(folder, 'keys/private.pem')),
  cert: readFileSync(join(folder, 'keys/cert.pem')),
}
const digest = (text: string) => createHash('sha256').update(text).digest()

const server = createServer({ ...pair, minVersion: 'TLSv1.3' }, (socket) => {
  socket.on('error', () => {})
  answerJoin(socket).catch(() => socket.destroy())
})
server.listen(node.bind_port, '127.0.0.1', () => writeFileSync(pidFile, String(process.pid)))
process.once('SIGTERM', () => process.exit(0))

async function answerJoin(socket: TLSSocket): Promise<void> {
  const { secret = '' } = await readFrame(socket)
  const accepted = timingSafeEqual(digest(secret), digest(node.cluster_secret ?? ''))
  writeFrame(socket, { accepted: String(accepted) })
  socket.end()
}
