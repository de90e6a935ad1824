import { randomBytes } from 'node:crypto'
import { OperatorError } from '../support/operator-error.ts'
import type { ChildContext } from './child-process.ts'
import { type DatabaseKey, type PageKey, pageKeyOf, saltOf } from './database-key.ts'
import { openDatabase } from './open-database.ts'
import { type CipherVersion, pageFormats, saltLength } from './page-format.ts'
import { openPage, opensPage, readFirstPage } from './page-key.ts'
import type { RekeyTask } from './rekey.ts'
import type { SeizedDatabase } from './seized-database.ts'

/** The keys of a change from one to the next, as pages are sealed under them. */
export interface Keys {
  /** What the file is encrypted under. */
  readonly present: PageKey
  readonly next: PageKey
  /** The previous key as the new file's salt makes it. */
  readonly retired: PageKey
  readonly previous: DatabaseKey
}

/** Everything is derived here, once, so that SQLite derives nothing. */
export async function keysOf(
  { path, cipher, forms }: RekeyTask,
  context: ChildContext,
): Promise<Keys> {
  const keyNamed = (name: 'next' | 'previous'): DatabaseKey => ({
    form: forms[name],
    bytes: context.secrets[name] ?? Buffer.alloc(0),
  })
  const [next, previous] = [keyNamed('next'), keyNamed('previous')]
  // Where the salt is part of the key, the consumer opens the file by that salt only.
  const salt = saltOf(next) ?? randomBytes(saltLength)
  const format = pageFormats[cipher]
  const [present, ...derived] = await Promise.all([
    openPresent(path, previous, cipher),
    pageKeyOf(next, salt, format),
    pageKeyOf(previous, salt, format),
  ])
  return { present, next: derived[0], retired: derived[1], previous }
}

async function openPresent(
  path: string,
  key: DatabaseKey,
  cipher: CipherVersion,
): Promise<PageKey> {
  const first = await readFirstPage(path, cipher)
  const present = first.state === 'encrypted' && (await openPage(first.page, key, cipher))
  if (present) return present
  throw new OperatorError(`the key does not open ${path}`, { kind: 'needs-attention' })
}

/** Neither the previous key nor no key at all may open the new file: by its MAC, and by trying. */
export async function refuseOld(
  { copy, cipher, path }: Pick<SeizedDatabase, 'copy' | 'cipher' | 'path'>,
  { previous, retired, next }: Keys,
): Promise<void> {
  const first = await readFirstPage(copy, cipher)
  const sealed =
    first.state === 'encrypted' &&
    first.page.subarray(0, saltLength).equals(next.salt) &&
    !(await opensPage(first.page, previous, cipher))
  const opened = await Promise.all([
    opens(copy, { unlock: { cipher, key: retired } }),
    opens(copy, {}),
  ])
  if (sealed && !opened.includes(true)) return
  throw new OperatorError(`the new file for ${path} still opens without the new key`)
}

async function opens(path: string, options: Parameters<typeof openDatabase>[1]): Promise<boolean> {
  try {
    const db = await openDatabase(path, { ...options, readonly: true })
    db.close()
    return true
  } catch {
    return false
  }
}
