import { execFile, execFileSync } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')
/** A command that takes longer hangs. */
const patience = 120_000

/** How a command ended. */
export interface Ended {
  readonly exit: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Builds rekeyd as it is published. @returns the path of its program */
export function buildProgram(folder: string): string {
  execFileSync(process.execPath, [join(root, 'tools/bundle.js'), join(folder, 'dist')])
  for (const name of ['bin', 'package.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'bin/rekeyd.js')
}

/** One command, as an operator types it. */
export function rekeyd(program: string, argv: readonly string[]): Promise<Ended> {
  const { PATH = '' } = process.env
  const options = { env: { PATH }, timeout: patience, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [program, ...argv], options, (_, stdout, stderr) =>
      resolve({ exit: child.exitCode, stdout, stderr }),
    )
  })
}
