import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemdEnvironment } from '../../scenarios/stand-ins/systemd-environment.ts'
import { buildDatabase, openGenuine } from '../../support/databases.ts'
import type { ReadPlace, Scenario, ScenarioPlace } from './scenario.ts'

const write = (live: string, name: string, text: string) =>
  writeFileSync(join(live, name), text, { mode: 0o600 })
const fileAt =
  (name: string): ReadPlace =>
  (live) =>
    readFileSync(join(live, name))
const variable =
  (key: string): ReadPlace =>
  (live) =>
    systemdEnvironment(join(live, 'env'))[key]
const matched =
  (name: string, pattern: RegExp): ReadPlace =>
  (live) =>
    pattern.exec(readFileSync(join(live, name), 'utf8'))?.[1]

const token = (targets: string, more = '') => `
  token:
    kind: token
    rotate: { every: 90d }
    targets: [${targets}]
    verify: none
    ${more}`
const twice = [['rotate', 'token']] as const

function keyed(type: 'toml' | 'yaml' | 'json', before: string, pattern: RegExp): Scenario {
  return {
    materials: (live) => token(`{ ${type}: { path: ${live}/config, pointer: /auth/token } }`),
    files: (live) => write(live, 'config', before),
    before: twice,
    act: ['rotate', 'token'],
    places: [{ material: 'token', read: matched('config', pattern) }],
  }
}

const file: Scenario = {
  materials: (live) => token(`{ file: { path: ${live}/token } }`),
  before: twice,
  act: ['rotate', 'token'],
  places: [{ material: 'token', read: fileAt('token') }],
}

const env: Scenario = {
  materials: (live) =>
    token(
      `{ env: { path: ${live}/env, key: TOKEN, dialect: systemd } }, { file: { path: ${live}/token } }`,
    ),
  files: (live) => write(live, 'env', '# of the operator\nOTHER=1\n'),
  before: twice,
  act: ['rotate', 'token'],
  places: [
    { material: 'token', read: variable('TOKEN') },
    { material: 'token', read: fileAt('token') },
  ],
}

const fileSet: Scenario = {
  materials: (live) => `
  tls:
    kind: tls
    issuer: self_signed
    names: [localhost]
    lifetime: 90d
    rotate: { before_expiry: 30d }
    targets:
      - file_set:
          path: ${live}/current
          files:
            key.pem: { part: private_key, format: pkcs8-pem }
            chain.pem: { part: fullchain, format: pem, mode: "0644" }
    verify: none`,
  before: [['rotate', 'tls']],
  act: ['rotate', 'tls'],
  places: [
    { material: 'tls', part: 'private_key', format: 'pkcs8-pem', read: inSet('key.pem') },
    { material: 'tls', part: 'fullchain', format: 'pem', read: inSet('chain.pem') },
  ],
}

function inSet(name: string): ReadPlace {
  return (live) => readFileSync(join(live, readlinkSync(join(live, 'current')), name))
}

const seed = 'k'.repeat(43)
const database: Scenario = {
  slow: true,
  materials: (live) => `
  db-key:
    kind: database-key
    form: passphrase
    rotate: { every: 365d }
    keep: 400d
    targets:
      - sqlcipher: { path: ${live}/chat.db, cipher: 4 }
      - env: { path: ${live}/env, key: DB_KEY, dialect: systemd }
    consumers: [server]
    verify: [sqlcipher]`,
  files(live) {
    const key = { form: 'passphrase' as const, bytes: Buffer.from(seed) }
    buildDatabase(join(live, 'chat.db'), { key, rows: 20, journalMode: 'delete' })
    write(live, 'env', `DB_KEY=${seed}\n`)
  },
  before: [],
  act: ['rotate', 'db-key'],
  places: [{ material: 'db-key', read: variable('DB_KEY') }],
  database: { file: 'chat.db', material: 'db-key' },
}

const row: Scenario = {
  slow: true,
  materials: (live) => `
  setup:
    kind: token
    rotate: { every: 90d }
    targets:
      - sqlite_row: { path: ${live}/plain.db, table: server_state, column: value, where: { key: opaque_setup }, as: text }
    consumers: [server]
    verify: none`,
  files(live) {
    buildDatabase(join(live, 'plain.db'), { rows: 20, journalMode: 'delete' })
    const db = openGenuine(join(live, 'plain.db'), {})
    db.exec(
      `UPDATE server_state SET value = 'a-token-of-the-operator-here' WHERE key = 'opaque_setup'`,
    )
    db.close()
  },
  before: [['rotate', 'setup']],
  act: ['rotate', 'setup'],
  places: [{ material: 'setup', read: rowValue }],
}

function rowValue(live: string): string | undefined {
  const db = openGenuine(join(live, 'plain.db'), {})
  try {
    const sql = `SELECT value FROM server_state WHERE key = 'opaque_setup'`
    return db.prepare(sql).get<{ value: string }>()?.value
  } finally {
    db.close()
  }
}

const overlapping: Scenario = {
  materials: (live) =>
    token(
      `{ file: { path: ${live}/token } }, { file: { path: ${live}/token-old, version: previous } }`,
      'overlap: 30d',
    ),
  before: [...twice, ...twice],
  act: ['rotate', 'token'],
  places: [
    { material: 'token', read: fileAt('token') },
    { material: 'token', version: 'previous', read: fileAt('token-old') },
  ],
}

const names = ['one', 'two'] as const
const set: Scenario = {
  materials: (live) =>
    names
      .map(
        (name) => `
  ${name}:
    kind: token
    rotate: { every: 90d }
    targets: [{ env: { path: ${live}/env, key: ${name}, dialect: systemd } }]
    consumers: [server]
    verify: none`,
      )
      .join(''),
  files: (live) => write(live, 'env', 'OTHER=1\n'),
  before: [],
  act: ['recover'],
  places: names.map((material): ScenarioPlace => ({ material, read: variable(material) })),
}

/** A consumer whose restart kills rekeyd once: the second try is what a recovery does. */
const trap = `test -e "$0.sprung" || { : > "$0.sprung"; kill -9 $PPID; }`
const interrupted: Scenario = {
  ...env,
  materials: (live) =>
    token(
      `{ env: { path: ${live}/env, key: TOKEN, dialect: systemd } }, { file: { path: ${live}/token } }`,
      'consumers: [trap]',
    ),
  files(live) {
    env.files?.(live)
    write(live, 'consumer', trap)
    write(live, 'token', 'a-token-of-the-operator-here')
    write(live, 'env', 'TOKEN=a-token-of-the-operator-here\n')
  },
  before: [],
  killed: ['rotate', 'token'],
  act: ['recover'],
}

const ownKey: Scenario = {
  materials: () => `
  store-key:
    kind: store-key
    rotate: { every: 365d }
    targets: [store_key]
    verify: [store_key]`,
  before: [['rotate', 'store-key']],
  act: ['rotate', 'store-key'],
  places: [{ material: 'store-key', read: fileAt('../store.key') }],
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  file,
  'file set': fileSet,
  env,
  toml: keyed('toml', 'a = 1\n[auth]\ntoken = "a-token-of-the-operator"\n', /token = "(.*)"/),
  yaml: keyed('yaml', 'a: 1\nauth:\n  token: a-token-of-the-operator\n', /token: "?([^"\n]*)/),
  json: keyed('json', '{ "auth": { "token": "a-token-of-the-operator" } }\n', /"token": "(.*)"/),
  'sqlite row': row,
  sqlcipher: database,
  'first rotation': { ...file, before: [], act: ['recover'] },
  rollback: { ...env, before: [...twice, ...twice], act: ['rollback', 'token'] },
  overlap: overlapping,
  'end of an overlap': { ...overlapping, act: ['end-overlap', 'token'] },
  compromise: { ...overlapping, act: ['compromise', 'token'] },
  'compromise of a database key': { ...database, act: ['compromise', 'db-key'] },
  adoption: {
    ...env,
    files(live) {
      write(live, 'env', 'TOKEN=a-token-of-the-operator-here\n')
      write(live, 'token', 'a-token-of-the-operator-here')
    },
    before: [],
    act: ['recover'],
  },
  'adoption of a database key': { ...database, act: ['recover'] },
  'coalesced set': set,
  'recovery of a recovery': interrupted,
  'store key': ownKey,
  'compromised store key': { ...ownKey, act: ['compromise', 'store-key'] },
  'new keys of the store': { ...ownKey, before: [['compromise', 'store-key']], act: ['recover'] },
}
