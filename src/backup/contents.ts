import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { SecretBytes } from '../model/secret-bytes.ts'
import type { StoreCopy } from '../store/store-copy.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import type { ArchiveFile } from './archive.ts'

/** What a backup says of itself. */
export interface BackupHeader {
  readonly format: 1
  /** Of rekeyd. */
  readonly version: string
  /** RFC 3339 UTC. */
  readonly created: string
  readonly host: string
  /** `SEQ:HASH`, the last row of the audit log. */
  readonly audit_head: string
}

/** Everything in a backup. */
export interface BackupContents {
  readonly header: BackupHeader
  readonly store: StoreCopy
  readonly config: Buffer
  /** Names below `state_dir/public`. */
  readonly publicParts: readonly ArchiveFile[]
}

const names = {
  header: 'backup.json',
  database: 'store.db',
  keys: 'store.keys',
  key: 'store.key',
  config: 'rekeyd.yaml',
} as const
const publicFolder = 'public/'
/** As `archivePublic` writes them: nothing that leads elsewhere. */
const publicName = /^[a-z][a-z0-9-]{0,62}\/\d+-[\w.-]{1,40}$/

const headerFormat = z.strictObject({
  format: z.literal(1),
  version: z.string(),
  created: z.iso.datetime(),
  host: z.string(),
  audit_head: z.string(),
})

export function toFiles({
  header,
  store,
  config,
  publicParts,
}: BackupContents): readonly ArchiveFile[] {
  return [
    { name: names.header, content: Buffer.from(`${JSON.stringify(header, null, 2)}\n`) },
    { name: names.database, content: store.database },
    { name: names.keys, content: Buffer.from(store.keys) },
    { name: names.key, content: store.key.bytes },
    { name: names.config, content: config },
    ...publicParts.map(({ name, content }) => ({ name: publicFolder + name, content })),
  ]
}

/**
 * The reverse of {@link toFiles}; what is not known is left out.
 * @throws OperatorError when something is missing
 */
export function fromFiles(files: readonly ArchiveFile[]): BackupContents {
  const file = (name: string): Buffer => {
    const found = files.find((one) => one.name === name)
    if (found)
      return Buffer.from(found.content.buffer, found.content.byteOffset, found.content.length)
    throw new OperatorError(`the backup has no ${name}: it is none of rekeyd, or of a newer one`)
  }
  return {
    header: headerFrom(file(names.header).toString('utf8')),
    store: {
      database: file(names.database),
      keys: file(names.keys).toString('utf8'),
      key: SecretBytes.take(file(names.key)),
    },
    config: file(names.config),
    publicParts: files.flatMap(({ name, content }) => {
      const part = name.slice(publicFolder.length)
      return name.startsWith(publicFolder) && publicName.test(part) ? [{ name: part, content }] : []
    }),
  }
}

/** The plain files of public parts, as they lie in `state_dir`. */
export function readPublicParts(stateDir: string): readonly ArchiveFile[] {
  const root = join(stateDir, 'public')
  return namesIn(root)
    .filter((name) => publicName.test(name))
    .map((name) => ({ name, content: readFileSync(join(root, name)) }))
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}

function headerFrom(text: string): BackupHeader {
  try {
    return headerFormat.parse(JSON.parse(text))
  } catch {
    throw new OperatorError('the backup is of a newer rekeyd, or of none', {
      hint: 'restore it with the rekeyd that made it',
    })
  }
}
