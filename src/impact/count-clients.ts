import type { KeyEdition } from '../sqlcipher/database-key.ts'
import { countRows, type TableRows } from '../sqlcipher/row.ts'
import { withUnlocked } from '../sqlcipher/with-unlocked.ts'
import { answerOf } from '../support/command-contract.ts'
import { httpGet } from '../support/http-get.ts'
import { countAt } from '../support/json-pointer.ts'
import { OperatorError } from '../support/operator-error.ts'
import { runCommand } from '../support/run-command.ts'
import type { CountSource } from './impact-options.ts'

/** Gives the active edition of a material. */
export type EditionOf = (material: string) => Promise<KeyEdition | undefined>

/** More than the signal's limit: that one ends it. Milliseconds. */
const patience = 60_000

/**
 * How many clients there are now. Changes nothing.
 * @throws OperatorError when it could not tell
 */
export async function countClients(
  source: CountSource,
  editionOf: EditionOf,
  signal: AbortSignal,
): Promise<number> {
  if ('http' in source) return shown(source.http, source.pointer, signal)
  if ('command' in source) return printed(source.command, signal)
  const { path, table, where } = source.sqlite
  const rows: TableRows = { path, table, where }
  return withUnlocked(source.sqlite, editionOf, (unlock) => countRows(rows, unlock, signal))
}

async function shown(url: string, pointer: string, signal: AbortSignal): Promise<number> {
  const { status, body } = await httpGet({ url }, signal)
  if (status === 200) return countAt(body, pointer, url)
  throw new OperatorError(`${url} answers ${status}`)
}

async function printed(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const request = { argv, signal, timeout: patience }
  const result = await runCommand(request)
  const text = result.stdout.toString('latin1').trim()
  const isNumber = /^\d{1,15}$/.test(text)
  if (answerOf(request, result) === 'yes' && isNumber) return Number(text)
  throw new OperatorError(`${argv[0]} prints no number`)
}
