import { readFile, stat } from 'node:fs/promises'
import type { Account } from '../support/accounts.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'

/** A process that runs. Its id alone would not tell it from a later one that got the same id. */
export interface Running {
  readonly pid: number
  /** Whether it is this very process that runs under the id. */
  stillRuns(): Promise<boolean>
}

/**
 * The process that a pid file names; undefined when there is no file, or nothing runs under the id. A file
 * may name only a process of its owner, as systemd has it (`PIDFile=`): otherwise whoever writes
 * the file could have rekeyd stop any process of the host.
 * @param name as in /proc/PID/comm; whatever has another one is not ours
 * @throws OperatorError when the file does not parse, or names a process that it may not mean
 */
export async function runningIn(pidFile: string, name?: string): Promise<Running | undefined> {
  const file = await readPidFile(pidFile)
  if (file === undefined) return undefined
  const { pid, owner } = file
  const found = await lookUp(pid)
  if (!found) return undefined
  if (pid === 1 || pid === process.pid || (owner !== 0 && owner !== found.owner)) {
    throw notOurs(pidFile, pid, 'it belongs to somebody else')
  }
  if (name !== undefined && name !== found.name) throw notOurs(pidFile, pid, `it is not ${name}`)
  return { pid, stillRuns: async () => (await lookUp(pid))?.started === found.started }
}

/** As whom a process runs (proc_pid_status(5)); undefined once it has ended. */
export async function accountOfProcess({ pid }: Running): Promise<Account | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  const numbers = (name: string) =>
    new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim().split(/\s+/).map(Number) ?? []
  // Real, effective, saved and file system's: the last one is asked for files.
  const [uid, gid] = [numbers('Uid')[3], numbers('Gid')[3]]
  return uid === undefined || gid === undefined
    ? undefined
    : { uid, gids: [gid, ...numbers('Groups')] }
}

/**
 * Sends a signal; one that has ended meanwhile is left in peace.
 * @param signal 0 asks only whether it may be sent
 * @throws OperatorError when it may not be sent
 */
export function sendSignal({ pid }: Running, signal: NodeJS.Signals | 0): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return
    throw new OperatorError(`process ${pid} cannot be signalled: not permitted`, {
      kind: 'refused',
      hint: 'let rekeyd run as the same user, or with CAP_KILL',
    })
  }
}

async function readPidFile(path: string): Promise<{ pid: number; owner: number } | undefined> {
  try {
    const { uid, size } = await stat(path)
    const text = size <= 32 ? (await readFile(path, 'latin1')).trim() : ''
    if (/^[1-9]\d{0,9}$/.test(text)) return { pid: Number(text), owner: uid }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new OperatorError(`cannot read the pid file ${path}`, { cause: error })
  }
  throw new OperatorError(`the pid file ${path} holds no process id`, {
    hint: 'check `pid_file`; if it is left over from a crash, remove it',
  })
}

function notOurs(pidFile: string, pid: number, why: string): OperatorError {
  return new OperatorError(`${pidFile} names process ${pid}, but ${why}`, {
    kind: 'refused',
    hint: 'the file may be left over from a crash, and the id taken by another process: remove it',
  })
}

/** What runs under an id; a zombie does not. */
async function lookUp(pid: number) {
  try {
    const [{ uid }, text] = await Promise.all([
      stat(`/proc/${pid}`),
      readFile(`/proc/${pid}/stat`, 'latin1'),
    ])
    // proc_pid_stat(5): "pid (comm) state …"; comm may hold anything, even parentheses and spaces.
    const [opening, closing] = [text.indexOf('('), text.lastIndexOf(')')]
    const [state = '', ...rest] = text.slice(closing + 2).split(' ')
    if (state === 'Z' || state === 'X') return undefined
    return { owner: uid, name: text.slice(opening + 1, closing), started: rest[18] ?? '' }
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}
