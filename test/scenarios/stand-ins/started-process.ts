import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Starts a stand-in as its service manager would, with output to `log`, and waits for its pid file. */
export async function startStandIn(argv: readonly string[], pidFile: string, log: string) {
  const [program = '', ...args] = argv
  const output = openSync(log, 'a', 0o600)
  const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output], env: {} })
  closeSync(output)
  child.unref()
  const ended = once(child, 'exit')
  while (!existsSync(pidFile)) {
    if (child.exitCode !== null) throw new Error(`${argv[1]} ended: ${readFileSync(log, 'utf8')}`)
    await Promise.race([ended, pause(20)])
  }
}

/** Ends whatever the pid file names, and waits for it. */
export async function endStandIn(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8'))
  try {
    process.kill(pid, 'SIGTERM')
    for (let look = 0; look < 250; look += 1) {
      process.kill(pid, 0)
      await pause(20)
    }
    process.kill(pid, 'SIGKILL')
  } catch {
    // It runs no longer.
  }
}
