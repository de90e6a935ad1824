import { join } from 'node:path'
import type { MaterialDraft } from '../../preset.ts'
import { envTarget, findVariable, plainVariable } from '../../runner.ts'
import { flow } from '../../yaml-flow.ts'
import { optionOf, type Server, type Share } from './server.ts'

/** The first bytes of a database that is not encrypted (SQLite file format, 1.3). */
const plainHeader = 'SQLite format 3\0'

/** The database's key, and what the server keeps in the database. */
export async function databaseMaterials(server: Server): Promise<Share> {
  const { host, data } = server
  const path = await databasePath(server)
  const head = host.head(path, plainHeader.length)
  if (!head) return { found: [], unknown: [], materials: fileBackend(server) }
  const found = [{ what: 'the database', where: path }]
  if (head.toString('latin1') === plainHeader) {
    const unknown = [`${path} is not encrypted, so there is no database key to rotate`]
    return { found, unknown, materials: [...kept(server, path, undefined), ...fileBackend(server)] }
  }
  const key = await keyTarget(server)
  if ('reason' in key) return { found, unknown: [key.reason], materials: fileBackend(server) }
  const inside = kept(server, path, 'db-key')
  return {
    found: [...found, { what: 'its key', where: key.where }],
    unknown: [
      `how old the oldest backup of ${path} is that you want to read: \`keep: 400d\` is a guess`,
    ],
    materials: [
      {
        name: 'db-key',
        about: [
          `Re-encrypts the database while the server is stopped; old backups need the old key: see \`keep\`.`,
        ],
        kind: 'database-key',
        rotate: { every: '365d' },
        lines: [
          'keep: 400d',
          `contains: ${flow(inside.map(({ name }) => name))}`,
          'targets:',
          `  - sqlcipher: ${flow({ path: host.here(path), cipher: 4 })}`,
          key.line,
          'consumers: [chat-server]',
          'verify: [sqlcipher]',
        ],
      },
      ...inside,
      ...fileBackend(server),
    ],
  }

  async function databasePath({ runner, toml }: Server): Promise<string> {
    const given =
      (await plainVariable(host, runner, 'QPC_DB_PATH')) ??
      optionOf(runner.command, '--db-path') ??
      toml.db_path
    return given?.startsWith('/') ? (runner.hostPath(given) ?? given) : join(data, 'qpc.db')
  }
}

type Key = { readonly line: string; readonly where: string } | { readonly reason: string }

async function keyTarget({ host, runner, toml, tomlPath }: Server): Promise<Key> {
  const found = await findVariable(host, runner, 'QPC_DB_KEY')
  const inline = (where: string) => ({
    reason: `database key: it is set in ${where} itself, which rekeyd does not write; move it into a file and run init again`,
  })
  if (found && 'inline' in found) return inline(runner.where)
  if (optionOf(runner.command, '--db-key') !== undefined)
    return inline(`ExecStart= of ${runner.where}`)
  if (found) return { line: envTarget(host, found), where: found.path }
  if (toml.db_key && tomlPath !== undefined) {
    const target = { path: host.here(tomlPath), pointer: '/db_key' }
    return { line: `  - toml: ${flow(target)}`, where: tomlPath }
  }
  return {
    reason:
      'where the database key is: QPC_DB_KEY is in no environment file of the server; db-key and what the database holds are left out',
  }
}

/** What the server keeps in the database, and makes by itself where its row is missing. */
function kept(server: Server, path: string, key: string | undefined): readonly MaterialDraft[] {
  const row = (state: string) => ({
    path: server.host.here(path),
    ...(key !== undefined && { db_key: { material: key } }),
    table: 'server_state',
    where: { key: state },
  })
  const opaque = opaqueSetup(`reset: ${flow({ sqlite_row: row('opaque_setup') })}`)
  return [
    ...(fileBackend(server).length > 0 ? [] : [opaque]),
    {
      name: 'signing-key',
      about: [
        'The server makes a new one where the row is missing; the old public key stays in the archive.',
      ],
      kind: 'consumer-made',
      rotate: { onCompromise: true },
      lines: [
        `reset: ${flow({ sqlite_row: row('signing_key_seed') })}`,
        'consumers: [chat-server]',
        'impact: Old delivery proofs verify with the archived key only.',
      ],
    },
  ]
}

/** The OPAQUE setup of servers that keep it in a file. */
function fileBackend({ host, data }: Server): readonly MaterialDraft[] {
  const path = join(data, 'opaque_setup.bin')
  return host.stats(path) ? [opaqueSetup(`reset: ${flow({ file: host.here(path) })}`)] : []
}

function opaqueSetup(reset: string): MaterialDraft {
  return {
    name: 'opaque-setup',
    about: ['Nothing but a leak is a reason to replace it.'],
    kind: 'consumer-made',
    rotate: { onCompromise: true },
    lines: [reset, 'consumers: [chat-server]', 'impact: Every OPAQUE user must register again.'],
  }
}
