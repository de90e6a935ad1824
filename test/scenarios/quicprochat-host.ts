import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { askQuic, type Question } from './stand-ins/qpc-transport.ts'
import { completeState, openQuicprochat } from './stand-ins/quicprochat-database.ts'
import { endStandIn, startStandIn } from './stand-ins/started-process.ts'

/** The first key of the database: with the quote that breaks `'${QPC_DB_KEY}'` in SQL. */
export const firstDatabaseKey = `it's; the "first" key`
export const firstToken = 'abcdefgh/ijklmnop&qrstuvwx+01=='

const standIn = (name: string) => join(import.meta.dirname, 'stand-ins', name)

export type QuicprochatHost = Awaited<ReturnType<typeof layOutQuicprochat>>

/** A host as the packages leave it: data folder, configuration, certbot's folder, a federation CA. */
export async function layOutQuicprochat() {
  const folder = mkdtempSync(join(tmpdir(), 'rekeyd-quicprochat-'))
  const path = (name: string) => join(folder, name)
  const ports = { clients: await freePort('udp'), federation: await freePort('udp') }
  for (const name of ['data', 'etc', 'bot', 'ca', 'archive', 'live']) mkdirSync(path(name), 0o700)
  writeConfiguration(path, ports)
  await makeDatabase(path('data/qpc.db'))
  renewByCertbot(path, 1)
  makeFederation(path)
  putDer(path, 'live/fullchain.pem', 'live/privkey.pem', 'server')
  const command = [process.execPath, standIn('quicprochat-server.ts'), path('data')]
  const pidFile = path('data/server.pid')
  return {
    folder,
    path,
    ports,
    command,
    pidFile,
    log: path('server.log'),
    probe: [process.execPath, standIn('qpc-token-probe.ts'), String(ports.clients)],
    bot: [process.execPath, standIn('qpc-bot.ts'), path('bot'), String(ports.clients)],
    read: (name: string) => readFileSync(path(name)),
    text: (name: string) => readFileSync(path(name), 'utf8'),
    openssl: (...args: string[]) => openssl(folder, ...args),
    ask: (question: Question) => askQuic(ports.clients, question),
    /** What certbot's renewal leaves: new files in the archive, and links of `live` that point to them. */
    renewByCertbot: (number: number) => renewByCertbot(path, number),
    start: () => startStandIn(command, pidFile, path('server.log')),
    stop: () => endStandIn(pidFile),
    async remove() {
      await endStandIn(pidFile)
      rmSync(folder, { recursive: true })
    },
  }
}

type PathOf = (name: string) => string

function writeConfiguration(path: PathOf, ports: { clients: number; federation: number }): void {
  const toml = `# quicprochat, as its package ships it
port = ${ports.clients}
production = true
   auth_token="${firstToken}"   # minimum 16 characters

[federation]
port = ${ports.federation}
auth_token = "of another section"
`
  writeFileSync(path('etc/qpc-server.toml'), toml, { mode: 0o640 })
  symlinkSync('../etc/qpc-server.toml', path('data/qpc-server.toml'))
  const quoted = firstDatabaseKey.replace(/["\\]/g, '\\$&')
  const secrets = `# EnvironmentFile=\nQPC_LOG=info\nQPC_DB_KEY="${quoted}"`
  writeFileSync(path('data/secrets.env'), secrets, { mode: 0o600 })
  // Without a final newline, and with another variable that begins alike.
  const bot = `QPC_ACCESS_TOKEN_FILE=/nowhere\nQPC_ACCESS_TOKEN='${firstToken}'`
  writeFileSync(path('bot/bot.env'), bot, { mode: 0o600 })
}

/** Some two megabytes; its last rows are in the write-ahead log alone, as after a server that was killed. */
async function makeDatabase(file: string): Promise<void> {
  const building = `${file}.building`
  const db = openQuicprochat(building, firstDatabaseKey)
  await completeState(db)
  db.exec(`
    PRAGMA user_version = 12;
    PRAGMA application_id = 4242;
    CREATE VIRTUAL TABLE search USING fts5 (body);
    CREATE TABLE counts (n INTEGER NOT NULL);
    INSERT INTO counts VALUES (0);
    CREATE TRIGGER counted AFTER INSERT ON delivered BEGIN UPDATE counts SET n = n + 1; END;
  `)
  const insert = db.prepare('INSERT INTO delivered (body) VALUES (?)')
  const fill = (rows: number) => {
    db.exec('BEGIN')
    for (let row = 0; row < rows; row += 1) insert.run([randomBytes(1_000)])
    db.exec(`INSERT INTO search VALUES ('hello ${rows}'); COMMIT`)
  }
  fill(2_000)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  fill(10)
  for (const suffix of ['', '-wal']) copyFileSync(building + suffix, file + suffix)
  insert.close()
  db.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(building + suffix, { force: true })
  for (const suffix of ['', '-wal']) chmodSync(file + suffix, 0o600)
}

/** A public CA in the part of Let's Encrypt: root, intermediate, and leaves that clients verify by both. */
function renewByCertbot(path: PathOf, number: number): void {
  if (number === 1) {
    makeAuthority(path, 'root')
    makeIntermediate(path)
  }
  const leaf = path(`archive/cert${number}.pem`)
  const key = path(`archive/privkey${number}.pem`)
  issue(path, 'intermediate', number * 60, leaf, key)
  const chain = readFileSync(path('ca/intermediate.pem'))
  writeFileSync(path(`archive/fullchain${number}.pem`), Buffer.concat([readFileSync(leaf), chain]))
  for (const name of ['privkey', 'fullchain']) {
    rmSync(path(`live/${name}.pem`), { force: true })
    symlinkSync(`../archive/${name}${number}.pem`, path(`live/${name}.pem`))
  }
}

function makeFederation(path: PathOf): void {
  makeAuthority(path, 'federation')
  issue(path, 'federation', 30, path('ca/first.pem'), path('ca/first.key'))
  putDer(path, 'ca/first.pem', 'ca/first.key', 'federation')
}

const freshKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

function makeAuthority(path: PathOf, name: string): void {
  const files = ['-keyout', path(`ca/${name}.key`), '-out', path(`ca/${name}.pem`)]
  const rest = ['-days', '900', '-subj', `/CN=${name} CA`]
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
  openssl(path('.'), 'req', '-x509', ...freshKey, ...files, ...rest, ...usage)
}

function makeIntermediate(path: PathOf): void {
  const extensions = 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n'
  sign(
    path,
    'root',
    'intermediate CA',
    800,
    extensions,
    'ca/intermediate.pem',
    'ca/intermediate.key',
  )
}

function issue(path: PathOf, authority: string, days: number, leaf: string, key: string): void {
  const extensions =
    'subjectAltName=DNS:chat.example.com\nbasicConstraints=critical,CA:FALSE\n' +
    'extendedKeyUsage=serverAuth,clientAuth\nkeyUsage=critical,digitalSignature\n'
  sign(path, authority, 'chat.example.com', days, extensions, leaf, key)
}

function sign(
  path: PathOf,
  authority: string,
  subject: string,
  days: number,
  extensions: string,
  certificate: string,
  key: string,
): void {
  const identifiers = 'subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
  writeFileSync(path('ca/extensions.cnf'), extensions + identifiers)
  const [run, request] = [
    (...args: string[]) => openssl(path('.'), ...args),
    path('ca/request.csr'),
  ]
  run('req', '-new', ...freshKey, '-keyout', key, '-out', request, '-subj', `/CN=${subject}`)
  const signer = ['-CA', path(`ca/${authority}.pem`), '-CAkey', path(`ca/${authority}.key`)]
  const how = ['-CAcreateserial', '-days', String(days), '-extfile', path('ca/extensions.cnf')]
  run('x509', '-req', '-in', request, ...signer, ...how, '-out', certificate)
}

/** The pair as the server wants it; the key readable by everybody, as an earlier `cp` may have left it. */
function putDer(path: PathOf, certificate: string, key: string, name: string): void {
  const to = (file: string) => path(`data/${name}-${file}.der`)
  openssl(path('.'), 'x509', '-in', path(certificate), '-outform', 'DER', '-out', to('cert'))
  const container = ['-topk8', '-nocrypt', '-outform', 'DER']
  openssl(path('.'), 'pkcs8', ...container, '-in', path(key), '-out', to('key'))
  chmodSync(to('key'), 0o644)
}

function openssl(folder: string, ...args: string[]): string {
  return execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
}
