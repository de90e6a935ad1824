import { z } from 'zod'
import type { Edition } from '../model/version.ts'
import { databaseKeyOf } from '../sqlcipher/database-key.ts'
import type { CipherVersion } from '../sqlcipher/page-format.ts'
import { opensPage, readFirstPage } from '../sqlcipher/page-key.ts'
import { fileError } from '../support/file-error.ts'
import { OperatorError } from '../support/operator-error.ts'
import { pathProblem } from '../support/safe-path.ts'
import { no, yes } from './verdict.ts'
import type { Verdict, Verifier, VerifierType } from './verifier.ts'

const sqlcipherOptions = z.strictObject({
  path: z
    .string()
    .refine((path) => pathProblem(path) === undefined, 'must be an absolute path')
    .optional()
    .describe("The database file; by default that of the material's sqlcipher target."),
  cipher: z
    .union([z.literal(3), z.literal(4)])
    .optional()
    .describe('Major version of SQLCipher whose file format it has; by default either.'),
})
type SqlcipherOptions = z.infer<typeof sqlcipherOptions>

/** Which key a database has, by the MAC of its first page: it is not opened, and the consumer not disturbed. */
export const sqlcipher: VerifierType<SqlcipherOptions> = {
  schema: sqlcipherOptions,
  create({ path, cipher }, { targets }): Verifier {
    const place = path ?? targets.find(({ type }) => type === 'sqlcipher')?.place.path
    if (place === undefined) {
      throw new OperatorError('the sqlcipher verifier does not know which database to look at', {
        kind: 'config',
        hint: 'set its path, or give the material a sqlcipher target',
      })
    }
    const look = (edition: Edition, signal: AbortSignal) =>
      lookAt(place, edition, cipher === undefined ? [4, 3] : [cipher], signal)
    return {
      type: 'sqlcipher',
      subject: place,
      proves: true,
      async accepts(edition, signal) {
        const found = await look(edition, signal)
        return found === 'opens' ? yes : no(`${place} ${found}`)
      },
      async refuses(previous, signal) {
        const found = await look(previous, signal)
        if (found === 'has another key') return yes
        return no(found === 'opens' ? `${place} still opens with it` : `${place} ${found}`)
      },
      ready: (signal) => isThere(place, signal),
    }
  },
}

/** @throws OperatorError when there is no database, so that neither yes nor no would be true */
async function lookAt(
  path: string,
  edition: Edition,
  ciphers: readonly CipherVersion[],
  signal: AbortSignal,
): Promise<'opens' | 'has another key' | 'is not encrypted'> {
  for (const cipher of ciphers) {
    signal.throwIfAborted()
    const first = await firstPageOf(path, cipher)
    if (first.state === 'plaintext') return problems.plaintext
    if (first.state !== 'encrypted') throw new OperatorError(`${path} ${problems[first.state]}`)
    const key = await databaseKeyOf(edition)
    const opens = await opensPage(first.page, key, cipher).finally(() => key.bytes.fill(0))
    if (opens) return 'opens'
  }
  return 'has another key'
}

async function isThere(path: string, signal: AbortSignal): Promise<Verdict> {
  signal.throwIfAborted()
  const { state } = await firstPageOf(path, 3)
  return state === 'encrypted' ? yes : no(`${path} ${problems[state]}`)
}

const problems = {
  absent: 'does not exist',
  empty: 'is empty',
  plaintext: 'is not encrypted',
  'too short': 'is no database',
} as const

function firstPageOf(path: string, cipher: CipherVersion) {
  return readFirstPage(path, cipher).catch((error: unknown) => {
    throw fileError(error, 'read', path)
  })
}
