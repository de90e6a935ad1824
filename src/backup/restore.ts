import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type CheckedCopy, checkCopy, type Placement, placeCopy } from '../store/place-copy.ts'
import { archivePublic } from '../store/public-archive.ts'
import { fileError } from '../support/file-error.ts'
import { OperatorError } from '../support/operator-error.ts'
import { type ArchiveFile, openArchive } from './archive.ts'
import { compromisedBeside } from './backup-folder.ts'
import { type BackupContents, type BackupHeader, fromFiles } from './contents.ts'

/** A backup that was opened. Whoever has it closes it. */
export interface OpenedBackup extends AsyncDisposable {
  readonly header: BackupHeader
  /** The configuration that was backed up with the store. */
  readonly config: Buffer
  /** Opens its store somewhere else and looks at all of it. */
  check(placement: Pick<Placement, 'clock'>): Promise<CheckedCopy>
  /** As `placeCopy`, with the public archive; what is in that already stays. */
  place(placement: Omit<Placement, 'compromised'>): Promise<CheckedCopy>
}

/**
 * Opens a backup.
 * @param path of the file
 * @param identityPath of a file with one `AGE-SECRET-KEY-…` a line, as `age-keygen` writes it
 * @throws OperatorError when it cannot be read or opened
 */
export async function openBackup(path: string, identityPath: string): Promise<OpenedBackup> {
  const identities = identitiesIn(await read(identityPath), identityPath)
  const contents = fromFiles(await openArchive(await read(path), identities))
  const compromised = await compromisedBeside(dirname(path))
  return {
    header: contents.header,
    config: contents.config,
    check: (placement) => checkElsewhere(contents, { ...placement, compromised }),
    async place(placement) {
      const placed = await placeCopy(contents.store, { ...placement, compromised })
      for (const part of contents.publicParts) placePublicPart(placement.stateDir, part)
      return placed
    },
    async [Symbol.asyncDispose]() {
      contents.store.key.wipe()
      contents.store.database.fill(0)
    },
  }
}

async function checkElsewhere(
  { store }: BackupContents,
  placement: Pick<Placement, 'clock' | 'compromised'>,
): Promise<CheckedCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'rekeyd-check-'))
  try {
    return await checkCopy(folder, store, placement)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What is there stays: it may be of a version that the backup does not know. */
function placePublicPart(stateDir: string, { name, content }: ArchiveFile): void {
  const [, material = '', number, part = ''] = /^([^/]+)\/(\d+)-(.+)$/.exec(name) ?? []
  if (existsSync(join(stateDir, 'public', name))) return
  archivePublic(stateDir, { material, number: Number(number) }, part, content)
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
}

function identitiesIn(text: Buffer, path: string): readonly string[] {
  const lines = text.toString('utf8').split(/\r?\n/)
  const identities = lines.filter((line) => /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/.test(line.trim()))
  text.fill(0)
  if (identities.length > 0) return identities.map((line) => line.trim())
  throw new OperatorError(`${path} holds no age identity`, {
    kind: 'usage',
    hint: 'name the file that `age-keygen -o FILE` wrote: it has a line AGE-SECRET-KEY-1…',
  })
}
