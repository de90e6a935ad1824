import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { RotationView } from '../../src/operations/views.ts'
import { DaemonProcess } from '../scenarios/daemon-process.ts'
import { preamble } from '../scenarios/scratch-rekeyd.ts'
import { systemdEnvironment } from '../scenarios/stand-ins/systemd-environment.ts'
import { openGenuine } from '../support/databases.ts'
import type { Campaign } from './campaign.ts'
import { copiesInMemory } from './secret-copies.ts'

/** A place of the daemon that a value is read from, and what it holds. */
const readers = {
  file: (folder: string) => readFileSync(join(folder, 'etc/file'), 'utf8'),
  env: (folder: string) => variable(folder, 'env', 'TOKEN'),
  database: (folder: string) => variable(folder, 'db.env', 'DB_KEY'),
} as const
type Path = keyof typeof readers
const paths = Object.keys(readers) as readonly Path[]

/**
 * The memory of a running daemon, one second after a rotation is committed: the value that was rotated out is
 * nowhere in it. A case is one rotation; file, env file and database take turns.
 */
export const campaign: Campaign = {
  name: 'memory',
  slice: 3,
  nightly: 60,
  needs: ['root'],
  async run({ cases, report, note }) {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-memory-'))
    const daemon = await startDaemon(folder)
    try {
      const { pid } = JSON.parse(readFileSync(join(folder, 'rekeyd/state/lock.json'), 'utf8')) as {
        readonly pid: number
      }
      // Adopted values are only read; one that rekeyd made has been everywhere.
      for (const path of paths) await rotate(daemon, path)
      const copies = { file: 0, env: 0, database: 0 }
      for (let index = 0; index < cases; index += 1) {
        const path = paths[index % paths.length] ?? 'file'
        const old = readers[path](folder)
        await rotate(daemon, path)
        await pause(1_000)
        const now = readers[path](folder)
        if (now === old) report(`${path}: the rotation changed nothing`)
        const found = copiesInMemory(pid, Buffer.from(old))
        copies[path] += found.length
        for (const { region, address, around } of found) {
          report(`${path}, rotation ${index + 1}: a copy at ${address} ${region}: ${around}`)
        }
      }
      // What cannot be found where it must be would be no proof where it must not be.
      const visible = copiesInMemory(pid, Buffer.from('rekeyd/state/store.db')).length
      if (visible === 0) report('the search finds nothing in the memory of the daemon at all')
      note(
        `${cases} rotations; copies of old values: file ${copies.file}, env ${copies.env}, database ${copies.database}`,
      )
    } finally {
      await daemon.stop()
      rmSync(folder, { recursive: true })
    }
  },
}

function variable(folder: string, file: string, name: string): string {
  return systemdEnvironment(join(folder, 'etc', file))[name] ?? ''
}

async function rotate(daemon: DaemonProcess, material: string): Promise<void> {
  const { id } = await daemon.ask<{ id: string }>('POST', `/v1/materials/${material}/rotate`, {})
  const rotation = await daemon.ask<RotationView>('GET', `/v1/rotations/${id}?wait=1`)
  if (rotation.result !== 'applied_unproved' && rotation.result !== 'succeeded') {
    throw new Error(`${material}: ${rotation.result} ${rotation.detail}`)
  }
}

async function startDaemon(folder: string): Promise<DaemonProcess> {
  const path = (name: string) => join(folder, name)
  for (const name of ['etc', 'data', 'rekeyd']) mkdirSync(path(name), { mode: 0o700 })
  const write = (name: string, text: string) => writeFileSync(path(name), text, { mode: 0o600 })
  write('etc/file', 'the-first-value-of-the-file')
  write('etc/env', 'TOKEN=the-first-value-of-the-variable\n')
  const key = 'the first key of the database'
  write('etc/db.env', `DB_KEY="${key}"\n`)
  const db = openGenuine(path('data/chat.db'), {
    key: { form: 'passphrase', bytes: Buffer.from(key) },
  })
  db.exec('CREATE TABLE message (body); INSERT INTO message VALUES (randomblob(100000))')
  db.close()
  const config = path('rekeyd/rekeyd.yaml')
  const rest = 'verify: none'
  write(
    'rekeyd/rekeyd.yaml',
    `${preamble(folder)}
consumers:
  nobody: { command: { stop: [/usr/bin/true], start: [/usr/bin/true] }, dwell: 1s }
materials:
  file: { kind: token, rotate: { every: 90d }, ${rest}, targets: [{ file: { path: ${path('etc/file')} } }] }
  env: { kind: token, rotate: { every: 90d }, ${rest}, targets: [{ env: { path: ${path('etc/env')}, key: TOKEN, dialect: systemd } }] }
  database:
    kind: database-key
    rotate: { every: 365d }
    keep: 400d
    consumers: [nobody]
    verify: [{ sqlcipher: {} }]
    targets:
      - sqlcipher: { path: ${path('data/chat.db')}, cipher: 4 }
      - env: { path: ${path('etc/db.env')}, key: DB_KEY, dialect: systemd }
`,
  )
  await createStoreFor(await loadConfig({ path: config, now: Date.now() }))
  return DaemonProcess.start(config, path('rekeyd/admin.sock'), path('daemon.log'))
}
