import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { createStoreFor } from '../../src/assemble.ts'
import { listBackups } from '../../src/backup/backup-folder.ts'
import { loadConfig } from '../../src/config/load.ts'
import { makeAgeKey } from '../backup/scratch-keys.ts'
import { sampleProcesses } from '../scenarios/process-sampler.ts'
import { preamble } from '../scenarios/scratch-rekeyd.ts'
import { systemdEnvironment } from '../scenarios/stand-ins/systemd-environment.ts'
import { openGenuine } from '../support/databases.ts'
import type { Campaign } from './campaign.ts'
import { filesBelow, secretsIn } from './secret-copies.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')

/**
 * A daemon all of whose secrets are known and random, driven through rotations, failures and bad input. Then nothing
 * that it says, keeps or starts shows one of them, in any of seven spellings. A case is one such daemon.
 */
export const campaign: Campaign = {
  name: 'canary',
  slice: 1,
  nightly: 20,
  needs: [],
  async run({ cases, report, note }) {
    let swept = 0
    let secrets = 0
    for (let index = 0; index < cases; index += 1) {
      const host = new CanaryHost(mkdtempSync(join(tmpdir(), 'rekeyd-campaign-canary-')))
      try {
        const sweep = await host.live(report)
        swept += sweep.bytes
        secrets += sweep.secrets
      } finally {
        await host.end()
      }
    }
    note(
      `${secrets} secrets sought in ${(swept / 1e6).toFixed(1)} MB of output, files and processes`,
    )
  },
}

class CanaryHost {
  readonly #folder: string
  /** Every value that was ever a secret here, by where it was. */
  readonly #secrets = new Map<string, string | Buffer>()
  /** What may be read by others, by where it comes from. */
  readonly #shown = new Map<string, Buffer>()
  #daemon: ChildProcess | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  async live(report: (violation: string) => void) {
    await this.#prepare()
    const started = Date.now()
    const { commands, environments } = await sampleProcesses(async () => {
      await this.#start()
      await this.#use()
    })
    const own = readFileSync(`/proc/${this.#pid}/environ`, 'latin1')
    this.#show('command lines', commands.join('\n'))
    // The daemon was given one secret there, by us; what it starts must not inherit it.
    const others = environments.filter((one) => one !== own)
    this.#show('environments of others', others.join('\n'))
    if (commands.length < 4) report(`only ${commands.length} processes were seen: no proof`)
    await this.#inspectorStaysShut(report)
    await this.#diagnosticReport(report)
    await this.end({ keep: true })
    this.#showFiles(started)
    let bytes = 0
    for (const [where, content] of this.#shown) {
      bytes += content.length
      for (const secret of secretsIn(content, this.#secrets)) report(`${secret} is in ${where}`)
    }
    return { bytes, secrets: this.#secrets.size }
  }

  async end({ keep = false } = {}): Promise<void> {
    const daemon = this.#daemon
    if (daemon && daemon.exitCode === null && daemon.signalCode === null) {
      const ended = once(daemon, 'exit')
      daemon.kill('SIGTERM')
      await ended
    }
    if (!keep) rmSync(this.#folder, { recursive: true, force: true })
  }

  get #pid(): number {
    const pid = this.#daemon?.pid
    if (pid === undefined) throw new Error('the daemon does not run')
    return pid
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #show(where: string, content: string | Buffer): void {
    this.#shown.set(where, Buffer.from(content))
  }

  /** A secret that nobody can have guessed. */
  #canary(name: string): string {
    const secret = `canary-${randomBytes(18).toString('base64url')}`
    this.#secrets.set(name, secret)
    return secret
  }

  async #prepare(): Promise<void> {
    for (const name of ['etc', 'data', 'rekeyd', 'reports'])
      mkdirSync(this.#path(name), { mode: 0o700 })
    const write = (name: string, text: string) =>
      writeFileSync(this.#path(name), text, { mode: 0o600 })
    write('etc/token', this.#canary('the first token'))
    write('etc/unproved', this.#canary('the token that cannot be proved'))
    const key = this.#canary('the first database key')
    write('etc/db.env', `DB_KEY="${key}"\n`)
    write('etc/bad.json', `{ "token": "${this.#canary('the token in bad JSON')}", oops\n`)
    write('etc/bad.yaml', `token: "${this.#canary('the token in bad YAML')}\n  - [oops`)
    write('etc/bad.toml', `token = "${this.#canary('the token in bad TOML')}\noops = `)
    write('etc/bad.env', `TOKEN="${this.#canary('the token in a bad env file')}\n`)
    write('etc/wrong.env', `DB_KEY="${this.#canary('the key that opens nothing')}"\n`)
    write('junk', this.#canary('the junk to import'))
    for (const [name, by] of [
      ['chat', key],
      ['wrong', this.#canary('the key that nobody knows')],
    ] as const) {
      const bytes = Buffer.from(by)
      const db = openGenuine(this.#path(`data/${name}.db`), { key: { form: 'passphrase', bytes } })
      db.exec('CREATE TABLE message (body); INSERT INTO message VALUES (randomblob(50000))')
      db.close()
    }
    const { recipient } = await makeAgeKey(this.#path('etc/identity'))
    const [, identity = ''] = readFileSync(this.#path('etc/identity'), 'utf8').split('\n')
    this.#secrets.set('the age identity', identity)
    const config = configFor(recipient, (name) => this.#path(name))
    write('rekeyd/rekeyd.yaml', preamble(this.#folder) + config)
    await createStoreFor(
      await loadConfig({ path: this.#path('rekeyd/rekeyd.yaml'), now: Date.now() }),
    )
    this.#secrets.set('the store key', readFileSync(this.#path('rekeyd/store.key')))
  }

  async #start(): Promise<void> {
    const output = openSync(this.#path('daemon.log'), 'a', 0o600)
    this.#daemon = spawn(
      process.execPath,
      [program, 'run', '--config', this.#path('rekeyd/rekeyd.yaml')],
      {
        stdio: ['ignore', output, output],
        env: {
          PATH: process.env['PATH'] ?? '',
          SECRET: this.#canary('the environment of the daemon'),
          NODE_OPTIONS: `--report-on-signal --report-signal=SIGUSR2 --report-directory=${this.#path('reports')}`,
        },
      },
    )
    closeSync(output)
    for (let look = 0; look < 1_500; look += 1) {
      if (await this.#ask('GET', '/readyz').catch(() => '')) return
      if (this.#daemon.exitCode !== null) break
      await pause(20)
    }
    throw new Error(`the daemon does not answer: ${readFileSync(this.#path('daemon.log'), 'utf8')}`)
  }

  /** Rotations that succeed and that fail, every question that there is, and bad ones. */
  async #use(): Promise<void> {
    const rounds = [
      [
        'token',
        'vapid',
        'signing',
        'db',
        'store',
        'unproved',
        'json',
        'yaml',
        'toml',
        'env',
        'wrong',
      ],
      ['token', 'db'],
    ]
    for (const name of rounds.flat()) {
      const answer = await this.#ask('POST', `/v1/materials/${name}/rotate`, {})
      const { id } = JSON.parse(answer) as { readonly id?: string }
      if (id) await this.#ask('GET', `/v1/rotations/${id}?wait=1`)
      this.#collect(`after ${name}`)
    }
    for (const name of ['token', 'vapid', 'unproved', 'json', 'wrong']) {
      await this.#ask('GET', `/v1/materials/${name}`)
      for (const verb of ['verify', 'rollback', 'adopt', 'apply']) {
        await this.#ask('POST', `/v1/materials/${name}/${verb}`, {})
      }
      const junk = this.#path('junk')
      const body = { parts: [{ part: 'secret', path: junk }], path: junk }
      await this.#ask('POST', `/v1/materials/${name}/import`, body)
      this.#collect(`after verbs on ${name}`)
    }
    await this.#rekeyd('import', 'vapid', this.#path('junk'))
    await this.#ask('POST', '/v1/materials/token/reveal', { out: this.#path('etc/token') })
    await this.#ask('POST', '/v1/materials/token/compromise', {})
    await this.#ask('POST', '/v1/materials/store/compromise', {})
    this.#collect('after the compromise')
    for (const path of [
      '/',
      '/v1/status',
      '/v1/materials',
      '/v1/plan?days=400',
      '/v1/audit',
      '/v1/rotations',
      '/metrics',
      '/v1/none',
    ]) {
      await this.#ask('GET', path)
    }
    await this.#ask('POST', '/v1/backup', {})
    await this.#rekeyd('backup', '--to', this.#path('elsewhere'))
    await this.#restore()
    await this.#rekeyd('status')
    await this.#rekeyd('status', '--json')
    await this.#rekeyd('history')
    await this.#rekeyd('plan')
    await this.#rekeyd('verify', 'wrong')
    await this.#rekeyd('reveal', 'token', '--out', this.#path('etc/token'))
  }

  /** Looks whether each backup could be brought back, and whether junk could. */
  async #restore(): Promise<void> {
    const backups = ['backups', 'elsewhere'].flatMap((folder) =>
      listBackups(this.#path(folder)).map(({ path }) => path),
    )
    if (backups.length < 2) throw new Error('there is no backup to judge')
    for (const path of [...backups, this.#path('etc/token')]) {
      await this.#rekeyd('restore', path, '--check', '--identity', this.#path('etc/identity'))
      await this.#rekeyd('restore', path, '--check', '--identity', this.#path('etc/token'))
    }
  }

  /** Adds what the targets hold now to the secrets. */
  #collect(when: string): void {
    const read = (name: string) => readFileSync(this.#path(name), 'utf8')
    const values = {
      token: read('etc/token'),
      unproved: read('etc/unproved'),
      'database key': systemdEnvironment(this.#path('etc/db.env'))['DB_KEY'],
      vapid: /VAPID="?([^"\n]+)/.exec(readIfThere(this.#path('etc/vapid.env')))?.[1],
      signing: readIfThere(this.#path('etc/signing')).split('\n')[1],
      'store key': readFileSync(this.#path('rekeyd/store.key')),
    }
    for (const [name, value] of Object.entries(values)) {
      if (value && ![...this.#secrets.values()].some((known) => isSame(known, value))) {
        this.#secrets.set(`${name}, ${when}, ${this.#secrets.size}`, value)
      }
    }
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: object): Promise<string> {
    const headers = body ? { 'content-type': 'application/json' } : {}
    const question = request({ socketPath: this.#path('rekeyd/admin.sock'), method, path, headers })
    question.end(body && JSON.stringify(body))
    const [answer] = (await once(question, 'response')) as [IncomingMessage]
    const content = (await buffer(answer)).toString()
    const where = `the answer to ${method} ${path}`
    const earlier = this.#shown.get(where) ?? ''
    this.#show(where, earlier + JSON.stringify(answer.headers) + content)
    return content
  }

  async #rekeyd(...argv: string[]): Promise<void> {
    const all = [program, ...argv, '--socket', this.#path('rekeyd/admin.sock')]
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = Promise.all([buffer(child.stdout), buffer(child.stderr)])
    this.#show(`rekeyd ${argv.join(' ')}`, Buffer.concat(await said))
  }

  /** SIGUSR1 is what opens Node's inspector. */
  async #inspectorStaysShut(report: (violation: string) => void): Promise<void> {
    const before = listeningSockets(this.#pid)
    process.kill(this.#pid, 'SIGUSR1')
    await pause(300)
    const after = listeningSockets(this.#pid)
    if (after > before) report('SIGUSR1 opened a listening socket')
    if (/debugger listening/i.test(readFileSync(this.#path('daemon.log'), 'utf8'))) {
      report('SIGUSR1 opened the inspector')
    }
  }

  /** Even where somebody asks Node for diagnostic reports, they do not list the environment. */
  async #diagnosticReport(report: (violation: string) => void): Promise<void> {
    process.kill(this.#pid, 'SIGUSR2')
    for (let look = 0; look < 100 && readdirSync(this.#path('reports')).length === 0; look += 1) {
      await pause(20)
    }
    // Written in one go, but not at once.
    await pause(200)
    const [file] = readdirSync(this.#path('reports'))
    if (file === undefined) return report('there is no diagnostic report to judge')
    const text = readFileSync(this.#path(join('reports', file)), 'utf8')
    if (text.includes('"environmentVariables"')) report('a diagnostic report lists the environment')
    this.#show('a diagnostic report', text)
  }

  /** Everything that it left, except where secrets belong: in targets, and in the store key. */
  #showFiles(since: number): void {
    const belong = ['etc/', 'junk', 'rekeyd/store.key', 'reports/']
    for (const path of filesBelow(this.#folder)) {
      const name = path.slice(this.#folder.length + 1)
      if (!belong.some((one) => name.startsWith(one))) this.#show(name, readFileSync(path))
    }
    for (const folder of [tmpdir(), '/dev/shm']) {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name)
        if (!entry.isFile() || changedAt(path) < since) continue
        this.#show(path, readIfThere(path))
      }
    }
  }
}

function configFor(recipient: string, path: (name: string) => string): string {
  const bad = (['json', 'yaml', 'toml'] as const).map(
    (name) => `
  ${name}: { kind: token, rotate: { every: 90d }, verify: none, targets: [{ ${name}: { path: ${path(`etc/bad.${name}`)}, pointer: /token } }] }`,
  )
  return `
recovery: { recipients: [${recipient}] }
backup: { to: ${path('backups')} }
consumers:
  nobody: { command: { stop: [/usr/bin/true], start: [/usr/bin/true] }, dwell: 1s }
materials:
  store: { kind: store-key, rotate: { every: 365d }, targets: [store_key], verify: [store_key] }
  token: { kind: token, rotate: { every: 90d }, verify: none, targets: [{ file: { path: ${path('etc/token')} } }] }
  unproved:
    kind: token
    rotate: { every: 90d }
    consumers: [nobody]
    targets: [{ file: { path: ${path('etc/unproved')} } }]
    verify: [{ command: { run: [/usr/bin/false] } }]
  vapid: { kind: vapid, rotate: { every: 90d }, on_missing: create, verify: none, targets: [{ env: { path: ${path('etc/vapid.env')}, key: VAPID, part: private_key, dialect: systemd } }] }
  signing: { kind: ed25519, rotate: { every: 90d }, on_missing: create, verify: none, targets: [{ file: { path: ${path('etc/signing')}, format: pkcs8-pem } }] }
  env: { kind: token, rotate: { every: 90d }, verify: none, targets: [{ env: { path: ${path('etc/bad.env')}, key: TOKEN, dialect: systemd } }] }
  db:
    kind: database-key
    rotate: { every: 365d }
    keep: 400d
    consumers: [nobody]
    verify: [{ sqlcipher: {} }]
    targets: [{ sqlcipher: { path: ${path('data/chat.db')}, cipher: 4 } }, { env: { path: ${path('etc/db.env')}, key: DB_KEY, dialect: systemd } }]
  wrong:
    kind: database-key
    rotate: { every: 365d }
    keep: 400d
    consumers: [nobody]
    verify: [{ sqlcipher: {} }]
    targets: [{ sqlcipher: { path: ${path('data/wrong.db')}, cipher: 4 } }, { env: { path: ${path('etc/wrong.env')}, key: DB_KEY, dialect: systemd } }]
${bad.join('')}
`
}

/** Sockets of the process on which TCP connections are taken. */
function listeningSockets(pid: number): number {
  const own = new Set(
    readdirSync(`/proc/${pid}/fd`).map((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`)
      } catch {
        return ''
      }
    }),
  )
  return ['tcp', 'tcp6']
    .flatMap((table) => readIfThere(`/proc/${pid}/net/${table}`).split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(`socket:[${inode}]`))
    .length
}

function isSame(one: string | Buffer, other: string | Buffer): boolean {
  return Buffer.from(one).equals(Buffer.from(other))
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function changedAt(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}
