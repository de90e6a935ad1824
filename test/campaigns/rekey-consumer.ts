// A consumer with a genuine SQLCipher that writes all the time: `rekey-consumer.ts FOLDER MODE ENDING`. Reads its key
// once, at start; checks every row that it wrote before; then commits batches, and notes each one in `acked` once
// it is committed. At SIGTERM it ends as ENDING says: `clean`, `killed` or `torn`, which is killed in the middle
// of a transaction that has reached the disk in part.
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Database, setLogger } from '@signalapp/sqlcipher'
import { systemdEnvironment } from '../scenarios/stand-ins/systemd-environment.ts'
import { batchSize, bodyOf, damageOf } from './rekey-rows.ts'

const [folder = '.', mode = 'wal', ending = 'clean'] = process.argv.slice(2)
const inFolder = (name: string) => join(folder, name)

setLogger(() => {})
const db = new Database(inFolder('data/chat.db'))
const key = systemdEnvironment(inFolder('etc/db.env'))['DB_KEY'] ?? ''
db.exec(`PRAGMA key = '${key.replaceAll("'", "''")}'`)
db.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = FULL; PRAGMA cache_size = 8`)
const damage = damageOf(db, readFileSync(inFolder('acked'), 'utf8'))
if (damage !== undefined) appendFileSync(inFolder('damage'), `${damage}\n`)

const insert = db.prepare('INSERT INTO message (batch, place, body) VALUES (?, ?, ?)')
let batch = Number(
  db.prepare('SELECT coalesce(max(batch), 0) AS last FROM message').get()?.['last'],
)
function write(): void {
  batch += 1
  db.exec('BEGIN')
  for (let place = 0; place < batchSize; place += 1)
    insert.run([batch, place, bodyOf(batch, place)])
  db.exec('COMMIT')
  appendFileSync(inFolder('acked'), `${batch}\n`)
}

process.once('SIGTERM', () => {
  write()
  if (ending === 'torn') db.exec(`BEGIN; UPDATE message SET body = 'half a transaction'`)
  if (ending !== 'clean') process.kill(process.pid, 'SIGKILL')
  db.close()
  rmSync(inFolder('consumer.pid'), { force: true })
  process.exit(0)
})
write()
writeFileSync(inFolder('consumer.pid'), String(process.pid))
setInterval(write, 20)
