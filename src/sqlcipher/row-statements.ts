import { OperatorError } from '../support/operator-error.ts'
import { quote } from './database-facts.ts'
import type { Database } from './open-database.ts'
import type { RowTask, RowValue, StoredAs } from './row.ts'

/** The SQL around one row of one table; every identifier is one that the table has. */
export class RowStatements {
  readonly #db: Database
  readonly #task: RowTask
  readonly #table: string
  readonly #column: string
  readonly #where: string
  readonly #values: readonly (string | number)[]

  /** @throws OperatorError when the database has no such table or column */
  constructor(db: Database, task: RowTask) {
    const columns = columnsOf(db, task)
    this.#db = db
    this.#task = task
    this.#table = quote(task.table)
    this.#column = quote(task.column ?? onlyOther(task, columns))
    this.#where = whereOf(task)
    this.#values = Object.values(task.where)
  }

  /** Undefined when no row matches. */
  read(): RowValue | undefined {
    const rows = this.#db
      .prepare<unknown[], { type: RowValue['type']; bytes: Buffer | null }>(
        `SELECT typeof(${this.#column}) AS type, CAST(${this.#column} AS BLOB) AS bytes
          FROM ${this.#table} WHERE ${this.#where} LIMIT 2`,
      )
      .all(...this.#values)
    if (rows.length > 1) throw this.#notOne('several rows match')
    const [row] = rows
    return row && { type: row.type, bytes: row.bytes ?? Buffer.alloc(0) }
  }

  /** Changes exactly one row, reads it back, or changes nothing. */
  write(value: Buffer, as: StoredAs | undefined): void {
    this.#alone((present) => {
      const type = as ?? (present.type === 'text' ? 'text' : 'blob')
      const bound = { text: 'CAST(? AS TEXT)', blob: '?', null: 'NULL' }[type]
      const { changes } = this.#db
        .prepare(`UPDATE ${this.#table} SET ${this.#column} = ${bound} WHERE ${this.#where}`)
        .run(...(type === 'null' ? [] : [value]), ...this.#values)
      if (this.read()?.bytes.equals(value) !== true) throw this.#notOne('the value is not kept')
      return changes
    })
  }

  /** Deletes exactly one row, or nothing. */
  delete(): void {
    this.#alone(() => {
      const { changes } = this.#db
        .prepare(`DELETE FROM ${this.#table} WHERE ${this.#where}`)
        .run(...this.#values)
      return changes
    })
  }

  #alone(change: (present: RowValue) => number): void {
    // What is replaced is a secret: its bytes may not stay in a free page.
    this.#db.pragma('secure_delete = ON')
    this.#db
      .transaction(() => {
        const present = this.read()
        if (!present) throw this.#notOne('no row matches')
        if (change(present) !== 1) throw this.#notOne('several rows would change')
      })
      .immediate()
  }

  #notOne(problem: string): OperatorError {
    const { path, table, where } = this.#task
    const columns = Object.keys(where).join(', ')
    return new OperatorError(`${path}, table ${table}: ${problem}`, {
      kind: 'refused',
      hint: `check \`where\` (${columns}): it must name exactly one row; nothing was changed`,
    })
  }
}

/** @throws OperatorError when the database has no such table or column */
export function countRows(db: Database, task: RowTask): number {
  columnsOf(db, task)
  const where = Object.keys(task.where).length > 0 ? ` WHERE ${whereOf(task)}` : ''
  const count = db
    .prepare<unknown[], number>(`SELECT count(*) FROM ${quote(task.table)}${where}`)
    .pluck()
    .get(...Object.values(task.where))
  return Number(count)
}

function whereOf({ where }: RowTask): string {
  return Object.keys(where)
    .map((column) => `${quote(column)} = ?`)
    .join(' AND ')
}

function columnsOf(db: Database, { path, table, column, where }: RowTask): readonly string[] {
  const columns = db
    .prepare<[string], string>(
      `SELECT c.name FROM pragma_table_list AS t JOIN pragma_table_info(t.name) AS c
        WHERE t.schema = 'main' AND t.type = 'table' AND t.name = ?`,
    )
    .pluck()
    .all(table)
  if (columns.length === 0) {
    throw new OperatorError(`${path} has no table ${table}`, { kind: 'config' })
  }
  const wanted = [...(column === undefined ? [] : [column]), ...Object.keys(where)]
  const unknown = wanted.find((name) => !columns.includes(name))
  if (unknown !== undefined) {
    throw new OperatorError(`${path}, table ${table} has no column ${unknown}`, {
      kind: 'config',
      hint: `it has ${columns.join(', ')}`,
    })
  }
  const encoding = String(db.pragma('encoding', { simple: true }))
  if (encoding === 'UTF-8') return columns
  throw new OperatorError(`${path} is stored as ${encoding}: only UTF-8 is supported`)
}

function onlyOther({ path, table, where }: RowTask, columns: readonly string[]): string {
  const others = columns.filter((name) => !Object.hasOwn(where, name))
  const [only] = others
  if (only !== undefined && others.length === 1) return only
  throw new OperatorError(`${path}, table ${table}: it is not clear which column holds the value`, {
    kind: 'config',
    hint: `set column to one of ${others.join(', ')}`,
  })
}
