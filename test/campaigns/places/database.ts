import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDatabase, contentOf, genuineOpens, openGenuine } from '../../support/databases.ts'
import type { Place } from './place.ts'

/** A consumer's database under SQLCipher, and the env file that its consumer reads the key from. */
export interface KeyedDatabase {
  readonly places: readonly Place[]
  /** Every row and setting; undefined when the key that is in the env file does not open it. */
  readonly content: () => unknown
}

/** @param known every key that it may have */
export function keyedDatabase(
  folder: string,
  first: string,
  known: () => readonly string[],
): KeyedDatabase {
  const [path, env] = [join(folder, 'chat.db'), join(folder, 'db.env')]
  const under = (key: string) => ({ key: { form: 'passphrase' as const, bytes: Buffer.from(key) } })
  buildDatabase(path, { ...under(first), rows: 20, journalMode: 'delete' })
  writeFileSync(env, `DB_KEY=${first}\n`, { mode: 0o600 })
  const inEnv = () => /^DB_KEY="?([^"\n]*)/m.exec(readFileSync(env, 'utf8'))?.[1]
  const opening = () => known().find((key) => genuineOpens(path, under(key)))
  return {
    content: () => {
      const key = inEnv() ?? ''
      return genuineOpens(path, under(key)) ? contentOf(path, under(key)) : undefined
    },
    places: [
      {
        target: `sqlcipher: { path: ${path}, cipher: 4 }`,
        path,
        value: opening,
        overwrite(value) {
          const db = openGenuine(path, under(opening() ?? ''))
          db.exec(`PRAGMA rekey = "${value}"`)
          db.close()
        },
      },
      {
        target: `env: { path: ${env}, key: DB_KEY, dialect: systemd }`,
        path: env,
        value: inEnv,
        overwrite: (value) => writeFileSync(env, `DB_KEY=${value}\n`),
      },
    ],
  }
}
