import { stat } from 'node:fs/promises'
import { catalogs as all, type Catalogs } from './catalogs.ts'
import { check } from './check.ts'
import type { Config } from './config.ts'
import { parseConfigDocument } from './config-document.ts'
import { readConfigFile } from './config-file.ts'
import { applySchema } from './explain.ts'
import { configError, type Problem } from './problem.ts'
import { configSchema } from './schema.ts'

export interface LoadOptions {
  readonly path: string
  /** Epoch milliseconds. */
  readonly now: number
  readonly catalogs?: Catalogs
}

/**
 * Reads and checks the config, all of it, and touches nothing.
 * @throws OperatorError of kind `config` that lists every problem as `file:line:column: message`
 */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  return parseConfig(await readConfigFile(options.path), options)
}

/** The same for a text that was read already. */
export async function parseConfig(
  bytes: Uint8Array,
  { path, now, catalogs = all }: LoadOptions,
): Promise<Config> {
  const document = await parseConfigDocument(bytes)
  if (document.problems.length > 0) throw configError(path, document.problems)
  const fail = (problems: readonly Problem[]) =>
    configError(
      path,
      problems.map(({ message, ...where }) => ({
        ...document.locate(where.path, where.at),
        message,
      })),
    )
  const outcome = applySchema(configSchema(catalogs), document)
  if ('problems' in outcome) throw fail(outcome.problems)
  const { config, problems } = check(outcome.parsed, { path, catalogs, now })
  const found = [...problems, ...(await storeKeyProblems(config))]
  if (found.length > 0) throw fail(found)
  return config
}

/** Only what others may do with the file: whether it is a key is found out when the store is opened. */
async function storeKeyProblems({ storeKey }: Config): Promise<Problem[]> {
  if (!('file' in storeKey)) return []
  const found = await stat(storeKey.file).catch(() => undefined)
  if (!found || (found.mode & 0o077) === 0) return []
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0')
  const message = `the store key has mode ${mode}: others may read it; chmod 600 ${storeKey.file}`
  return [{ path: ['store_key', 'file'], message }]
}
