import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createStoreFor } from '../../src/assemble.ts'
import { loadConfig } from '../../src/config/load.ts'
import { messageOf, OperatorError } from '../../src/support/operator-error.ts'
import { DaemonProcess } from '../scenarios/daemon-process.ts'
import { preamble } from '../scenarios/scratch-rekeyd.ts'
import { alice, newVersion, ScratchStore } from '../store/scratch-store.ts'
import type { Campaign } from './campaign.ts'

type Say = (violation: string) => void

/** Starts of one round: as many as two cores bear at once. */
const crowd = 20
/**
 * Milliseconds that the next one may take to hold the lock of one that was killed: the median, and any. A lock that
 * only expires would miss both. A single one waits for the processor too, which a busy machine gives late; and on
 * one with several times as much to do as it can, the median says nothing about rekeyd.
 */
const takeoverLimits = { median: 100, any: 1_000 } as const

/** Whoever comes to one state directory at the same time: exactly one gets it. A case is one start. */
export const campaign: Campaign = {
  name: 'race',
  slice: 60,
  nightly: 1_000,
  needs: [],
  async run({ cases, report, note }) {
    const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-race-'))
    try {
      const takeovers: number[] = []
      for (let left = cases; left > 0; left -= crowd) {
        takeovers.push(await oneRound(folder, Math.max(2, Math.min(crowd, left)), report))
      }
      takeovers.sort((a, b) => a - b)
      const median = takeovers[takeovers.length >> 1] ?? 0
      const most = takeovers.at(-1) ?? 0
      const isBusy = (loadavg()[0] ?? 0) > 3 * availableParallelism()
      if (median > takeoverLimits.median && !isBusy)
        report(`takeovers take ${median.toFixed(0)} ms (median)`)
      note(
        `${cases} starts in rounds of ${crowd}; takeover after kill -9: median ${median.toFixed(1)} ms, at most ${most.toFixed(1)} ms`,
      )
      await besideDaemon(folder, report)
      await staleExecutor(report)
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
}

/** @returns milliseconds from kill -9 of the winner to the next one's lock */
async function oneRound(folder: string, starts: number, say: Say): Promise<number> {
  const stateDir = mkdtempSync(join(folder, 'round-'))
  const contenders = Array.from({ length: starts }, () => new Contender(stateDir))
  try {
    await Promise.all(contenders.map((one) => one.expect('ready')))
    const answers = await Promise.all(contenders.map((one) => one.order('try')))
    const winners = contenders.filter((_, index) => answers[index]?.startsWith('held'))
    const lost = contenders.filter((_, index) => answers[index] === 'lost')
    if (winners.length !== 1 || lost.length !== starts - 1) {
      say(`${winners.length} of ${starts} hold the lock, ${lost.length} were told that they do not`)
    }
    const [winner, next] = [winners[0], lost[0]]
    if (!winner || !next) return 0
    const took = next.order('wait')
    // Longer than the pause between its tries.
    const early = await Promise.race([took, next.pause(20)])
    if (early !== undefined) say('the lock was taken from one that lives')
    const killed = process.hrtime.bigint()
    winner.kill()
    const held = BigInt((await took).split(' ')[1] ?? 0)
    const passed = Number(held - killed) / 1e6
    if (passed > takeoverLimits.any) say(`a takeover took ${passed.toFixed(0)} ms`)
    return passed
  } finally {
    await Promise.all(contenders.map((one) => one.end()))
    rmSync(stateDir, { recursive: true })
  }
}

/** A process that wants the lock. */
class Contender {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(stateDir: string) {
    const argv = [join(import.meta.dirname, 'race-child.ts'), stateDir]
    const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => {})
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  async expect(wanted: string): Promise<void> {
    const { value } = await this.#lines.next()
    if (value !== wanted) throw new Error(`a contender said ${value} instead of ${wanted}`)
  }

  /** @returns its answer */
  async order(line: 'try' | 'wait'): Promise<string> {
    this.#child.stdin?.write(`${line}\n`)
    return String((await this.#lines.next()).value)
  }

  pause(milliseconds: number): Promise<undefined> {
    return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined))
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.kill()
    await ended
  }
}

/** The CLI beside a daemon: through its socket, or not at all. */
async function besideDaemon(folder: string, say: Say): Promise<void> {
  mkdirSync(join(folder, 'rekeyd'), { mode: 0o700 })
  const path = (name: string) => join(folder, 'rekeyd', name)
  const material = `materials:
  token: { kind: token, rotate: { every: 30d }, verify: none, on_missing: create, targets: [{ file: { path: ${path('token')} } }] }\n`
  writeFileSync(path('rekeyd.yaml'), preamble(folder) + material, { mode: 0o600 })
  // The same store, but nobody listens on this socket.
  const deaf = (preamble(folder) + material).replace('admin.sock', 'nobody.sock')
  writeFileSync(path('deaf.yaml'), deaf, { mode: 0o600 })
  await createStoreFor(await loadConfig({ path: path('rekeyd.yaml'), now: Date.now() }))
  const daemon = await DaemonProcess.start(
    path('rekeyd.yaml'),
    path('admin.sock'),
    join(folder, 'daemon.log'),
  )
  try {
    const told = async (wanted: number, ...argv: string[]) => {
      const exit = await rekeyd(argv)
      if (exit !== wanted)
        say(`rekeyd ${argv.join(' ')} beside a daemon: exit ${exit}, not ${wanted}`)
    }
    await told(0, 'status', '--config', path('rekeyd.yaml'))
    await told(0, 'rotate', 'token', '--config', path('rekeyd.yaml'))
    await told(4, 'status', '--config', path('deaf.yaml'))
    await told(4, 'rotate', 'token', '--config', path('deaf.yaml'))
    await told(4, 'status', '--socket', path('nobody.sock'))
    const { versions } = await daemon.ask<{ versions: unknown[] }>('GET', '/v1/materials/token')
    if (versions.length !== 2) say(`${versions.length} versions after one rotation by the CLI`)
  } finally {
    await daemon.stop()
  }
}

async function rekeyd(argv: readonly string[]): Promise<number | null> {
  const program = join(import.meta.dirname, '../../bin/rekeyd.js')
  const child = spawn(process.execPath, [program, ...argv], { stdio: 'ignore' })
  const [exit] = (await once(child, 'exit')) as [number | null]
  return exit
}

/** Whoever had the store open before somebody else opened it writes nothing any more. */
async function staleExecutor(say: Say): Promise<void> {
  const scratch = new ScratchStore()
  try {
    const stale = await scratch.create()
    const members = [{ material: 'vapid', make: newVersion('vapid') }]
    const intent = { trigger: 'manual', actor: alice, members, now: 1 } as const
    const { id } = stale.journal.begin(intent).rotation
    const next = await scratch.open()
    const writes: Readonly<Record<string, () => unknown>> = {
      'a version': () => stale.keys.put(newVersion('token'), 'active', alice),
      compromise: () => stale.keys.compromise('vapid', [1], alice),
      'a rotation': () => stale.journal.begin({ ...intent, members: [] }),
      'a step': () => stale.journal.started(id, 'stage', 'x', 'forward', 1),
      'a turn': () => stale.journal.turn(id, 'back', ''),
      'the clock': () => stale.schedule.accept({ wall: 1, sinceBoot: 1, bootId: '' }),
      'a schedule': () => stale.schedule.set({ ...stale.schedule.get('vapid'), failures: 1 }),
    }
    const head = JSON.stringify(next.audit.head())
    for (const [what, write] of Object.entries(writes)) {
      try {
        write()
        say(`a stale executor wrote ${what}`)
      } catch (error) {
        if (error instanceof OperatorError && error.kind === 'locked') continue
        say(`a stale executor was refused ${what} by something else: ${messageOf(error)}`)
      }
    }
    if (JSON.stringify(next.audit.head()) !== head) say('a stale executor changed the audit log')
  } finally {
    scratch.dispose()
  }
}
