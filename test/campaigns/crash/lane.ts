import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createStoreFor } from '../../../src/assemble.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { perform } from './act.ts'
import { configOf, type Scenario } from './scenario.ts'

const worker = join(import.meta.dirname, 'worker.ts')

/** The command that performs the act of a scenario in a process of its own. */
export function workerCommand(folder: string, { act }: Pick<Scenario, 'act'>): readonly string[] {
  return [
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    worker,
    folder,
    JSON.stringify(act),
  ]
}

/**
 * A place where one case after another is played. The store knows absolute paths, so each scenario is laid
 * out once, put aside, and brought back to the same place for each case.
 */
export class Lane {
  readonly folder: string
  /** Where strace writes. */
  readonly log: string
  readonly #templates: string

  constructor(root: string) {
    this.folder = join(root, 'at')
    this.log = join(root, 'log')
    this.#templates = join(root, 'templates')
    mkdirSync(this.#templates, { recursive: true, mode: 0o700 })
  }

  /** Does everything that comes before the act. */
  async prepare(name: string, scenario: Scenario): Promise<void> {
    const { folder } = this
    rmSync(folder, { recursive: true, force: true })
    await layOut(folder, scenario)
    if (scenario.killed) {
      const [node = '', ...args] = workerCommand(folder, { act: scenario.killed })
      const { signal, stderr } = spawnSync(node, args, { encoding: 'utf8' })
      if (signal !== 'SIGKILL') throw new Error(`${name}: was not killed: ${stderr}`)
    }
    cpSync(folder, join(this.#templates, name), copying)
  }

  /** Lays the scenario out as it was before its act. */
  restore(name: string): void {
    rmSync(this.folder, { recursive: true, force: true })
    cpSync(join(this.#templates, name), this.folder, copying)
  }
}

/** Everything that comes before a scenario's act, but for what kills rekeyd. */
export async function layOut(folder: string, scenario: Scenario): Promise<void> {
  const path = join(folder, 'rekeyd.yaml')
  mkdirSync(join(folder, 'live'), { recursive: true, mode: 0o700 })
  writeFileSync(path, configOf(scenario, folder), { mode: 0o600 })
  scenario.files?.(join(folder, 'live'))
  await createStoreFor(await loadConfig({ path, now: Date.now() }))
  if (scenario.before.length > 0) await perform(folder, scenario.before)
}

const copying = { recursive: true, verbatimSymlinks: true, preserveTimestamps: true } as const
