import { createHash } from 'node:crypto'
import type { Database } from './open-database.ts'

/** What must be the same before and after; compared as JSON. */
export interface DatabaseFacts {
  readonly journalMode: string
  readonly autoVacuum: number
  readonly userVersion: number
  readonly applicationId: number
  readonly encoding: string
  readonly pageSize: number
  /** SHA-256 over everything in sqlite_schema but page numbers. */
  readonly schema: string
  /** Rows by table, shadow tables of FTS included. */
  readonly rows: Readonly<Record<string, number>>
}

export function factsOf(db: Database): DatabaseFacts {
  const pragma = (name: string) => db.pragma(name, { simple: true })
  return {
    journalMode: String(pragma('journal_mode')),
    autoVacuum: Number(pragma('auto_vacuum')),
    userVersion: Number(pragma('user_version')),
    applicationId: Number(pragma('application_id')),
    encoding: String(pragma('encoding')),
    pageSize: Number(pragma('page_size')),
    schema: hashSchema(db),
    rows: Object.fromEntries(tablesOf(db).map((table) => [table, countRows(db, table)])),
  }
}

/** The names of the facts in which two databases differ. */
export function differences(before: DatabaseFacts, after: DatabaseFacts): readonly string[] {
  const names = Object.keys(before) as (keyof DatabaseFacts)[]
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
}

/**
 * What integrity_check complains about; nothing when all is well. Where a virtual table cannot be loaded
 * (a tokenizer that only the consumer has) SQLite gives up on the whole, so each real table is checked alone.
 */
export function complaintsOf(db: Database): readonly string[] {
  const check = (argument: string) =>
    db.prepare<[], string>(`PRAGMA integrity_check${argument}`).pluck().all()
  const lines = () => {
    try {
      return check('')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR')) throw error
      return tablesOf(db).flatMap((table) => check(`(${quote(table)})`))
    }
  }
  return lines().filter((line) => line !== 'ok')
}

/** An identifier in SQL text. */
export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function hashSchema(db: Database): string {
  const rows = db
    .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
    .raw()
    .all()
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex')
}

/** Virtual tables are left out: their content lies in shadow tables, and their module may be unknown here. */
function tablesOf(db: Database): readonly string[] {
  return db
    .prepare<[], string>(
      `SELECT name FROM pragma_table_list
        WHERE schema = 'main' AND type IN ('table', 'shadow') AND name <> 'sqlite_schema'
        ORDER BY name`,
    )
    .pluck()
    .all()
}

function countRows(db: Database, table: string): number {
  return Number(
    db
      .prepare(`SELECT count(*) FROM ${quote(table)}`)
      .pluck()
      .get(),
  )
}
