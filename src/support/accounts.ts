import { readFile } from 'node:fs/promises'
import { OperatorError } from './operator-error.ts'

/** Columns of passwd(5) and group(5). */
const idColumn = 2
const passwdGroupColumn = 3
const groupMembersColumn = 3

/**
 * The numeric id of a user by name or number, from /etc/passwd.
 * @throws OperatorError when there is no such user
 */
export async function userId(user: string | number): Promise<number> {
  return idOf(user, 'user', '/etc/passwd')
}

/**
 * The numeric id of a group by name or number, from /etc/group.
 * @throws OperatorError when there is no such group
 */
export async function groupId(group: string | number): Promise<number> {
  return idOf(group, 'group', '/etc/group')
}

/** Whom the kernel lets do what. */
export interface Account {
  readonly uid: number
  readonly gids: readonly number[]
}

/**
 * The user with all groups, as a service manager starts programs.
 * @param group in place of the primary one
 * @throws OperatorError when one of them does not exist
 */
export async function accountOf(
  user: string | number,
  group?: string | number,
  supplementary: readonly string[] = [],
): Promise<Account> {
  const uid = await userId(user)
  const row = (await readTable('/etc/passwd')).find((row) => row[idColumn] === String(uid))
  const primary =
    group === undefined ? Number(row?.[passwdGroupColumn] ?? uid) : await groupId(group)
  const named = (await readTable('/etc/group')).filter((table) =>
    (table[groupMembersColumn] ?? '').split(',').includes(row?.[0] ?? ''),
  )
  const more = await Promise.all(supplementary.map((name) => groupId(name)))
  return { uid, gids: [primary, ...named.map((table) => Number(table[idColumn])), ...more] }
}

/** Everybody who is in the group by the local files: by membership, and as their primary group. */
export async function membersOf(gid: number): Promise<ReadonlySet<number>> {
  const users = await readTable('/etc/passwd')
  const group = (await readTable('/etc/group')).find((row) => row[idColumn] === String(gid))
  const named = new Set((group?.[groupMembersColumn] ?? '').split(','))
  const members = users.filter(
    (row) => row[passwdGroupColumn] === String(gid) || named.has(row[0] ?? ''),
  )
  return new Set(members.map((row) => Number(row[idColumn])))
}

/** The name of a user for messages; the number where it has none. */
export async function userName(uid: number): Promise<string> {
  const row = (await readTable('/etc/passwd')).find((row) => row[idColumn] === String(uid))
  return row?.[0] ?? String(uid)
}

async function idOf(name: string | number, what: string, table: string): Promise<number> {
  if (/^\d+$/.test(String(name))) return Number(name)
  const row = (await readTable(table)).find((row) => row[0] === name)
  const id = Number(row?.[idColumn])
  if (Number.isInteger(id)) return id
  throw new OperatorError(`there is no ${what} '${name}' in ${table}`, {
    kind: 'config',
    hint: `correct the name, create the ${what}, or give its number`,
  })
}

/** The rows of a colon-separated table; none where the system has no such file. */
async function readTable(path: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((row) => row.length > idColumn)
}
