import { readdirSync, readFileSync } from 'node:fs'
import { clearInterval, setInterval } from 'node:timers'

/** What every other local user, or the same one, could read of the processes that ran meanwhile. */
export interface Sampled {
  /** Command lines, arguments separated by spaces. */
  readonly commands: readonly string[]
  readonly environments: readonly string[]
}

/** Looks at the arguments and the environment of every process that starts while `work` runs. */
export async function sampleProcesses(work: () => Promise<unknown>): Promise<Sampled> {
  const before = new Set(pids())
  const [commands, environments] = [new Set<string>(), new Set<string>()]
  const look = () => {
    for (const pid of pids().filter((pid) => !before.has(pid))) {
      commands.add(read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '))
      environments.add(read(`/proc/${pid}/environ`))
    }
  }
  const timer = setInterval(look, 5)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return { commands: [...commands], environments: [...environments] }
}

function pids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
