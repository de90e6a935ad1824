import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { makeAgeKey } from '../backup/scratch-keys.ts'
import { openRekeyd, type ScratchRekeyd } from '../scenarios/scratch-rekeyd.ts'
import { type Campaign, SeededRandom } from './campaign.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')
const caller = { who: 'cli:campaign' }
const materials = ['token', 'vapid', 'signing'] as const
type Name = (typeof materials)[number]

/**
 * A random life of rotations, leaks and backups; then one of the backups comes back, over the store that is
 * there or on an empty disk, sometimes killed on the way. Nothing is written to any target, every value of
 * the backup is there, and what leaked stays gone.
 */
export const campaign: Campaign = {
  name: 'backup',
  slice: 4,
  nightly: 300,
  needs: [],
  async run({ cases, seed, report, note }) {
    const random = new SeededRandom(seed)
    let killed = 0
    for (let index = 0; index < cases; index += 1) {
      const own = index === 0 ? seed : random.below(1e9)
      const folder = mkdtempSync(join(tmpdir(), 'rekeyd-campaign-backup-'))
      try {
        const life = new Life(folder, new SeededRandom(own), (line) => report(line, own))
        if (await life.run()) killed += 1
      } catch (error) {
        report(`the case failed: ${String(error)}`, own)
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
    note(`${cases} backups restored, ${killed} of them after a kill -9 of the first try`)
  },
}

interface MadeBackup {
  readonly path: string
  /** Values by material and number. */
  readonly values: ReadonlyMap<string, string>
}

class Life {
  readonly #folder: string
  readonly #random: SeededRandom
  readonly #say: (violation: string) => void
  readonly #backups: MadeBackup[] = []
  /** `NAME NUMBER`, and those that a backup was made after. */
  readonly #leaked = new Set<string>()
  #toldLeaks: readonly string[] = []
  #highest = new Map<string, number>()

  constructor(folder: string, random: SeededRandom, say: (violation: string) => void) {
    this.#folder = folder
    this.#random = random
    this.#say = say
  }

  /** @returns whether the restore was killed once */
  async run(): Promise<boolean> {
    const yaml = await this.#config()
    let rekeyd = await openRekeyd(this.#folder, yaml)
    try {
      await this.#backUp(rekeyd)
      const acts = 3 + this.#random.below(6)
      for (let act = 0; act < acts; act += 1) rekeyd = await this.#act(rekeyd, yaml)
      await this.#note(rekeyd)
    } finally {
      await rekeyd.close()
    }
    const backup = this.#random.pick(this.#backups)
    const isElsewhere = this.#random.below(2) === 0
    const targets = this.#targets()
    if (isElsewhere) this.#loseEverything()
    const isKilled = this.#random.below(3) === 0
    if (isKilled) await this.#restore(backup.path, this.#random.below(500))
    const exit = await this.#restore(backup.path)
    if (exit !== 0) this.#say(`restore ended with ${exit}`)
    const restored = await openRekeyd(this.#folder, yaml)
    try {
      if (this.#targets() !== targets) this.#say('a target was written to')
      const leaked = isElsewhere ? this.#toldLeaks : [...this.#leaked]
      await this.#judge(restored, backup, leaked, isElsewhere)
    } finally {
      await restored.close()
    }
    return isKilled
  }

  async #config(): Promise<string> {
    mkdirSync(this.#path('live'))
    const { recipient } = await makeAgeKey(this.#path('identity'))
    const common = 'rotate: { every: 30d }, on_missing: create, verify: none'
    return `
recovery: { recipients: [${recipient}] }
backup: { to: ${this.#path('backups')}, keep: 100 }
materials:
  token: { kind: token, ${common}, targets: [{ file: { path: ${this.#path('live/token')} } }] }
  vapid: { kind: vapid, ${common}, targets: [{ env: { path: ${this.#path('live/env')}, key: VAPID, dialect: systemd } }] }
  signing: { kind: ed25519, ${common}, targets: [{ file: { path: ${this.#path('live/signing')} } }] }
  store-key: { kind: store-key, rotate: { every: 365d }, targets: [store_key], verify: [store_key] }
`
  }

  async #act(rekeyd: ScratchRekeyd, yaml: string): Promise<ScratchRekeyd> {
    const name = this.#random.pick(materials)
    const acts = [
      () => rekeyd.rotate(name),
      () => rekeyd.rotate(name),
      () => rekeyd.operations.rollback(name, {}, caller).catch(() => {}),
      () => this.#leak(rekeyd, name),
      () => this.#backUp(rekeyd),
      () => rekeyd.rotate('store-key'),
      () => rekeyd.operations.compromise('store-key', {}, caller),
    ]
    await this.#random.pick(acts)()
    if (this.#random.below(3) > 0) return rekeyd
    await rekeyd.close()
    return openRekeyd(this.#folder, yaml)
  }

  async #leak({ operations }: ScratchRekeyd, name: Name): Promise<void> {
    const { active } = await operations.material(name)
    if (active) this.#leaked.add(`${name} ${active.version}`)
    await operations.compromise(name, {}, caller)
  }

  async #backUp(rekeyd: ScratchRekeyd): Promise<void> {
    const values = await this.#values(rekeyd, 'before')
    const { path } = await rekeyd.operations.backup(undefined, caller)
    this.#backups.push({ path, values })
    this.#toldLeaks = [...this.#leaked]
  }

  /** Of every version that is not destroyed. */
  async #values({ operations }: ScratchRekeyd, when: string): Promise<Map<string, string>> {
    const values = new Map<string, string>()
    const out = this.#path(`out-${when}`)
    mkdirSync(out)
    for (const name of materials) {
      for (const { version, state } of (await operations.material(name)).versions) {
        if (state === 'destroyed') continue
        const path = join(out, `${name}-${version}`)
        await operations.reveal(name, version, undefined, undefined, path, caller)
        values.set(`${name} ${version}`, readFileSync(path, 'hex'))
      }
    }
    rmSync(out, { recursive: true })
    return values
  }

  async #note({ operations }: ScratchRekeyd): Promise<void> {
    for (const name of materials) {
      const numbers = (await operations.material(name)).versions.map(({ version }) => version)
      this.#highest.set(name, Math.max(0, ...numbers))
    }
  }

  /** The disk with the store is new; what is beside the backups is still there. */
  #loseEverything(): void {
    rmSync(this.#path('rekeyd'), { recursive: true })
  }

  async #restore(backup: string, killAfter?: number): Promise<number | null> {
    const config = this.#path('rekeyd/rekeyd.yaml')
    const argv = ['restore', backup, '--identity', this.#path('identity'), '--replace']
    const child = spawn(process.execPath, [program, ...argv, '--config', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (text) => (said += text))
    const ended = once(child, 'exit')
    if (killAfter !== undefined) {
      await Promise.race([pause(killAfter), ended])
      child.kill('SIGKILL')
    }
    const [exit] = (await ended) as [number | null]
    if (killAfter === undefined && exit !== 0) this.#say(said)
    return exit
  }

  async #judge(
    rekeyd: ScratchRekeyd,
    backup: MadeBackup,
    leaked: readonly string[],
    isElsewhere: boolean,
  ): Promise<void> {
    const values = await this.#values(rekeyd, 'after')
    for (const [version, value] of backup.values) {
      if (values.get(version) !== value) this.#say(`${version} is not what was backed up`)
    }
    for (const name of materials) {
      await this.#judgeOne(rekeyd, name, leaked)
      await rekeyd.operations.adopt(name, caller)
      await rekeyd.rotate(name)
      const { active } = await rekeyd.operations.material(name)
      const seen = isElsewhere ? 0 : (this.#highest.get(name) ?? 0)
      if (!active || active.version <= seen) {
        this.#say(`${name} has version ${active?.version} after ${seen} was seen`)
      }
      await this.#judgeRollback(rekeyd, name, leaked)
    }
  }

  async #judgeOne(
    { operations }: ScratchRekeyd,
    name: Name,
    leaked: readonly string[],
  ): Promise<void> {
    const { state, versions } = await operations.material(name)
    if (state !== 'needs_attention') this.#say(`${name} is ${state}, and waits for nobody`)
    for (const { version, compromised } of versions) {
      if (leaked.includes(`${name} ${version}`) && !compromised) {
        this.#say(`version ${version} of ${name} has leaked, and that is forgotten`)
      }
    }
  }

  async #judgeRollback(
    { operations }: ScratchRekeyd,
    name: Name,
    leaked: readonly string[],
  ): Promise<void> {
    for (const { version } of (await operations.material(name)).versions) {
      if (!leaked.includes(`${name} ${version}`)) continue
      await operations.rollback(name, { to: version }, caller).then(
        () => this.#say(`version ${version} of ${name} has leaked and was given back`),
        () => {},
      )
    }
  }

  /** What the consumers see. */
  #targets(): string {
    return ['token', 'env', 'signing']
      .map((name) => readFileSync(this.#path(`live/${name}`), 'hex'))
      .join()
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}
