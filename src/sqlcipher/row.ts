import { randomUUID } from 'node:crypto'
import type { DatabaseKey, KeyForm } from './database-key.ts'
import type { CipherVersion } from './page-format.ts'
import { runChild } from './run-child.ts'

/** Exactly one row, and a column of it. */
export interface RowAddress {
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly table: string
  /** By default the only one that `where` does not name. */
  readonly column?: string
  /** Values by column; together they match one row. */
  readonly where: Readonly<Record<string, string | number>>
}

/** Rows of a table: those that have the values in `where`, or all. */
export type TableRows = Omit<RowAddress, 'column'>

/** What opens an encrypted database. */
export interface RowUnlock {
  readonly cipher: CipherVersion
  readonly key: DatabaseKey
}

/** How SQLite stores a value. `null` is no value. */
export type StoredAs = 'blob' | 'text' | 'null'

export interface RowValue {
  readonly type: StoredAs | 'integer' | 'real'
  /** Of a text its UTF-8, of a number its digits. The caller wipes it. */
  readonly bytes: Buffer
}

/** What the child is told; descriptors hold `key` and `value` where there is one. */
export interface RowTask extends RowAddress {
  readonly action: 'read' | 'write' | 'delete' | 'count'
  readonly unlock?: { readonly cipher: CipherVersion; readonly form: KeyForm }
  readonly as?: StoredAs
  readonly tag: string
}

/**
 * Reads the value, also while the consumer runs.
 * @returns undefined when no row matches
 * @throws HotJournal when only the consumer can tell what the database holds
 * @throws OperatorError when there is no such table or column, several rows match, or it is locked
 */
export async function readRow(
  address: RowAddress,
  unlock: RowUnlock | undefined,
  signal: AbortSignal,
): Promise<RowValue | undefined> {
  const { detail, bytes } = await run(address, { action: 'read' }, unlock, undefined, signal)
  if (detail['found'] !== true) return undefined
  return { type: detail['type'] as RowValue['type'], bytes: Buffer.from(bytes ?? []) }
}

/**
 * How many rows there are, also while the consumer runs.
 * @throws the same as {@link readRow}
 */
export async function countRows(
  rows: TableRows,
  unlock: RowUnlock | undefined,
  signal: AbortSignal,
): Promise<number> {
  const { detail } = await run(rows, { action: 'count' }, unlock, undefined, signal)
  return Number(detail['count'])
}

/**
 * Changes the value of exactly one row, or nothing. The consumer is stopped.
 * @param as by default as the present value is stored
 */
export async function writeRow(
  address: RowAddress,
  unlock: RowUnlock | undefined,
  value: Buffer,
  as: StoredAs | undefined,
  signal: AbortSignal,
): Promise<void> {
  const change = { action: 'write' as const, ...(as && { as }) }
  await run(address, change, unlock, value, signal)
}

/** Deletes exactly one row, or nothing. The consumer is stopped. */
export async function deleteRow(
  address: RowAddress,
  unlock: RowUnlock | undefined,
  signal: AbortSignal,
): Promise<void> {
  await run(address, { action: 'delete' }, unlock, undefined, signal)
}

function run(
  address: RowAddress,
  what: Pick<RowTask, 'action' | 'as'>,
  unlock: RowUnlock | undefined,
  value: Buffer | undefined,
  signal: AbortSignal,
) {
  const { path } = address
  const task: RowTask = {
    ...address,
    ...what,
    tag: randomUUID(),
    ...(unlock && { unlock: { cipher: unlock.cipher, form: unlock.key.form } }),
  }
  const secrets = { ...(unlock && { key: unlock.key.bytes }), ...(value && { value }) }
  return runChild({ entry: 'row-child', path, task, secrets }, signal)
}
