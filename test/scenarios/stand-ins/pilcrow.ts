// Stands in for `pilcrow`: keeps its VAPID key in its own plain SQLite database, makes one where there is none,
// and shows the public half at /api/boot, padded. Run as `pilcrow.ts DATABASE serve PORT PIDFILE`, or, while that
// runs or not, as `pilcrow.ts DATABASE rotate-vapid-key`, which merely destroys the key.
import { createECDH } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'

const [path = '', command = 'serve', port = '0', pidFile = ''] = process.argv.slice(2)
process.umask(0o077)
const db = new DatabaseSync(path)
db.exec('CREATE TABLE IF NOT EXISTS vapid_signing_key (key BLOB NOT NULL, at TEXT NOT NULL)')
if (command === 'rotate-vapid-key') db.exec('DELETE FROM vapid_signing_key')
else serve()

function serve(): void {
  const server = createServer((request, response) => {
    const boot = request.url === '/api/boot' && {
      vapid: { type: 'vapid', event: 'changed', ...vapid() },
    }
    response.writeHead(boot ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(boot || {}))
  })
  server.listen(Number(port), '127.0.0.1', () => writeFileSync(pidFile, String(process.pid)))
  process.once('SIGTERM', () => process.exit(0))
}

function vapid(): { readonly at: string; readonly key: string } {
  const pair = createECDH('prime256v1')
  const found = db.prepare('SELECT key, at FROM vapid_signing_key').get()
  if (found) pair.setPrivateKey(found['key'] as Uint8Array)
  else pair.generateKeys()
  const at = String(found?.['at'] ?? new Date().toISOString())
  const insert = 'INSERT INTO vapid_signing_key (key, at) VALUES (?, ?)'
  if (!found) db.prepare(insert).run(pair.getPrivateKey(), at)
  const key = pair.getPublicKey('base64').replaceAll('+', '-').replaceAll('/', '_')
  return { at, key }
}
