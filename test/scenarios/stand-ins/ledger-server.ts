// A server that keeps rows in a SQLCipher database and lets in whoever has its token. Reads token and database key
// once, at start, and refuses to start with two different tokens. `GET /` counts its rows, `POST /` adds one. Run
// as `ledger-server.ts FOLDER PORT`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { openQuicprochat } from './quicprochat-database.ts'
import { systemdEnvironment } from './systemd-environment.ts'

const [folder = '.', port = '0'] = process.argv.slice(2)
const inFolder = (name: string) => join(folder, name)
const token = readFileSync(inFolder('etc/token'), 'utf8')
if (systemdEnvironment(inFolder('etc/token.env'))['TOKEN'] !== token) process.exit(1)
const db = openQuicprochat(
  inFolder('data/ledger.db'),
  systemdEnvironment(inFolder('etc/db.env'))['DB_KEY'] ?? '',
)
const count = db.prepare('SELECT count(*) AS rows FROM entries')
const add = db.prepare('INSERT INTO entries (body) VALUES (randomblob(1000))')

const server = createServer((request, response) => {
  if (request.headers.authorization !== `Bearer ${token}`) return void response.writeHead(401).end()
  if (request.method === 'POST') add.run()
  response.end(JSON.stringify(count.get()))
})
server.listen(Number(port), '127.0.0.1', () =>
  writeFileSync(inFolder('server.pid'), String(process.pid)),
)
process.once('SIGTERM', () => {
  db.close()
  rmSync(inFolder('server.pid'), { force: true })
  process.exit(0)
})
