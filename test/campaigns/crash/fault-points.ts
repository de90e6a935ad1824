import { readFileSync } from 'node:fs'

/** Every system call that changes what is on a disk. */
const calls = `
  openat write pwrite64 writev pwritev ftruncate fallocate copy_file_range sendfile fsync fdatasync rename
  renameat renameat2 link linkat symlink symlinkat unlink unlinkat mkdir mkdirat rmdir chmod fchmod fchmodat
  chown fchown fchownat utimensat futimesat
`
  .trim()
  .split(/\s+/)

const faults = ['signal=KILL', 'error=EIO', 'error=ENOSPC', 'error=EACCES'] as const

/** One call of one scenario, and what happens to it. */
export interface FaultPoint {
  readonly call: string
  /** The how many-th of its thread, from 1: as strace counts. */
  readonly nth: number
  readonly fault: (typeof faults)[number]
}

/** The front of a command that traces another one into `log`, with a fault or without. */
export function traced(log: string, point?: FaultPoint): readonly string[] {
  const inject = point && `inject=${point.call}:${point.fault}:when=${point.nth}`
  const trace = ['strace', '-f', '-q', '-y', '-o', log]
  // Fast; but strace 6.1 sends no signal then.
  if (point?.fault !== 'signal=KILL') trace.push('--seccomp-bpf')
  const watched = point ? [point.call] : calls
  return [...trace, '-e', `trace=${watched.join(',')}`, ...(inject ? ['-e', inject] : [])]
}

/**
 * Every fault at every call that a trace shows to change something in `folder`. Of a long row of writes, as
 * the store makes to have room for a rotation, both ends are taken and some between.
 */
export function faultPointsOf(log: string, folder: string): readonly FaultPoint[] {
  const points = new Map<string, FaultPoint>()
  for (const row of rowsOf(log, folder)) {
    for (const { call, nth } of row.filter((_, index) => isTaken(index, row.length))) {
      for (const fault of faults) points.set(`${call} ${nth} ${fault}`, { call, nth, fault })
    }
  }
  return [...points.values()]
}

/** Calls that change something, in rows of the same call. */
function rowsOf(log: string, folder: string) {
  const counts = new Map<string, number>()
  const rows: Omit<FaultPoint, 'fault'>[][] = []
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, thread, call = ''] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (thread === undefined) continue
    const nth = (counts.get(`${thread} ${call}`) ?? 0) + 1
    counts.set(`${thread} ${call}`, nth)
    if (!changes(call, line, folder)) continue
    if (rows.at(-1)?.[0]?.call === call) rows.at(-1)?.push({ call, nth })
    else rows.push([{ call, nth }])
  }
  return rows
}

function isTaken(index: number, length: number): boolean {
  return index < 12 || length - index <= 12 || index % 32 === 0
}

/** Whether the fault of a run came to pass. */
export function wasInjected(log: string): boolean {
  return /\(INJECTED\)|killed by SIGKILL/.test(readFileSync(log, 'utf8'))
}

function changes(call: string, line: string, folder: string): boolean {
  if (!line.includes(folder)) return false
  return call !== 'openat' || /O_CREAT|O_WRONLY|O_RDWR|O_TRUNC/.test(line)
}
