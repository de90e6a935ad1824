import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DaemonProcess } from '../../scenarios/daemon-process.ts'
import { preamble } from '../../scenarios/scratch-rekeyd.ts'
import type { SeededRandom } from '../campaign.ts'
import { type KeyedDatabase, keyedDatabase } from '../places/database.ts'
import { layOut, type Place, row } from '../places/place.ts'
import { type Ended, rekeyd } from './rekeyd-process.ts'
import { changeStore, storeRows, type VersionRow } from './store-rows.ts'
import { replaceWith, type Tree, treeOf } from './tree.ts'

/** Counts down, and says when it is at its end: `counted FILE`. */
const counted = `
counted() {
  n=$(cat "$1" 2>/dev/null || echo 0)
  test "$n" -eq 0 || echo $((n - 1)) >"$1"
  test "$n" -eq 1
}
`
/** The consumer's restart, at which the state directory may be copied, or rekeyd be killed. */
const restart = `${counted}
if counted "$1/copy-at"; then
  to="$1/older-$(cat "$1/copy-to")"
  mkdir "$to"
  cp -a "$1/rekeyd/state" "$1/rekeyd/state.marker" "$to"
fi
if counted "$1/kill-at"; then kill -9 $PPID; fi
`
/** Proves everything, or only the value in `refuse` where there is one. */
const proof = `test ! -e "$1/refuse" || test "$(cat <&3)" = "$(cat "$1/refuse")"
`

/** Materials of random kinds at random places of one folder, and the rekeyd that keeps them: the real program. */
export class Host {
  readonly folder: string
  readonly live: string
  /** All that is random from here on comes from it. */
  random: SeededRandom
  readonly places = new Map<string, readonly Place[]>()
  /** What was ever seen in use, by material. */
  readonly values = new Map<string, Set<string>>()
  database: KeyedDatabase | undefined
  readonly #program: string
  #daemon: DaemonProcess | undefined

  /** @param program the path of `rekeyd.js` */
  constructor(folder: string, random: SeededRandom, program: string) {
    this.#program = program
    this.folder = folder
    this.live = join(folder, 'live')
    this.random = random
    mkdirSync(this.live, { mode: 0o700 })
    mkdirSync(join(folder, 'rekeyd'), { mode: 0o700 })
    const all = layOut(this.live, { one: word('first-of-one'), two: word('first-of-two') })
    // Of every host one value stands in a folder of files that changes as a whole.
    const sets = all.one.filter(isFileSet)
    this.places.set('one', [...new Set([...sets, ...this.#someOf(all.one)])])
    this.places.set('two', this.#someOf(all.two))
    if (random.below(6) === 0) {
      const place = row(join(this.live, 'app.db'), word('first-of-two'))
      this.places.set('two', [...this.placesOf('two'), place])
    }
    if (random.below(6) === 0) this.#addDatabase()
  }

  get config(): string {
    return join(this.folder, 'rekeyd.yaml')
  }

  get state(): string {
    return join(this.folder, 'rekeyd/state')
  }

  get storeKey(): string {
    return join(this.folder, 'rekeyd/store.key')
  }

  get names(): readonly string[] {
    return [...this.places.keys()]
  }

  placesOf(name: string): readonly Place[] {
    return this.places.get(name) ?? []
  }

  /** What is in use, as the first place shows it. */
  valueOf(name: string): string | undefined {
    return this.placesOf(name)[0]?.value()
  }

  /** Remembers what is in use now. */
  noteValues(): void {
    for (const name of this.names) {
      const seen = this.values.get(name) ?? new Set()
      this.values.set(name, seen.add(this.valueOf(name) ?? ''))
    }
  }

  /** Configuration and an empty store: nothing was started yet. */
  async install(): Promise<void> {
    writeFileSync(join(this.folder, 'restart'), restart)
    writeFileSync(join(this.folder, 'proof'), proof)
    const materials = [...this.places].map(([name, places]) => {
      const kind = name === 'db-key' ? 'database-key' : 'token'
      const targets = places.map(({ target }) => `\n      - ${target}`).join('')
      return `
  ${name}:
    kind: ${kind}
    rotate: { every: 90d }
    keep: 400d
    consumers: [app]
    verify: [{ command: [/bin/sh, ${this.folder}/proof, ${this.folder}] }]
    targets:${targets}`
    })
    const run = `[/bin/sh, ${this.folder}/restart, ${this.folder}]`
    const consumer = `consumers: { app: { command: { stop: [/bin/true], start: ${run}, restart: ${run} }, dwell: 1s } }`
    const yaml = `${preamble(this.folder)}${consumer}\nmaterials:${materials.join('')}\n`
    writeFileSync(this.config, yaml, { mode: 0o600 })
    const { exit, stderr } = await this.run('init')
    if (exit !== 0) throw new Error(`init ended with ${exit}: ${stderr}`)
  }

  /** A command of the program: with the daemon where one runs, else on the store itself. */
  run(...argv: readonly string[]): Promise<Ended> {
    const where = this.#daemon ? ['--socket', this.socket] : ['--config', this.config]
    return rekeyd(this.#program, [...argv, ...where])
  }

  async start(): Promise<DaemonProcess> {
    const log = join(this.folder, 'daemon.log')
    this.#daemon = await DaemonProcess.start(this.config, this.socket, log, this.#program)
    return this.#daemon
  }

  get socket(): string {
    return join(this.folder, 'rekeyd/admin.sock')
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
    this.#daemon = undefined
  }

  /** What the consumers read. */
  tree(): Tree {
    return treeOf(this.live)
  }

  /** What is sealed in the store, read without rekeyd, from a copy: opening it would write its log back. */
  rows(): readonly VersionRow[] {
    const copy = join(this.folder, 'looked-at')
    replaceWith(this.state, copy)
    try {
      return storeRows(copy, this.storeKey)
    } finally {
      rmSync(copy, { recursive: true })
    }
  }

  /** Changes the store without rekeyd. No process of it may run. */
  changeStore(statement: string): void {
    changeStore(this.state, this.storeKey, statement)
  }

  /** Copies everything that is live aside, for `revert`. */
  keepLive(as: string): void {
    replaceWith(this.live, join(this.folder, as))
  }

  /** Puts some of the paths of a material back to what they were then; all of them where `all`. */
  revert(name: string, as: string, all = false): void {
    const paths = [...new Set(this.placesOf(name).map(({ path }) => unitOf(path)))]
    const some = paths.filter(() => all || this.random.below(2) === 0)
    const reverted = some.length > 0 ? some : [this.random.pick(paths)]
    for (const path of reverted) {
      replaceWith(path.replace(this.live, join(this.folder, as)), path)
    }
  }

  #addDatabase(): void {
    const first = word('first-of-db-key')
    const inEnv = () => this.database?.places[1]?.value() ?? ''
    const known = () => [first, inEnv(), ...(this.values.get('db-key') ?? [])]
    this.database = keyedDatabase(this.live, first, known)
    this.places.set('db-key', this.database.places.toReversed())
  }

  #someOf(places: readonly Place[]): readonly Place[] {
    const some = places.filter(() => this.random.below(3) === 0)
    return some.length > 0 ? some : [this.random.pick(places)]
  }
}

export function isFileSet({ target }: Place): boolean {
  return target.startsWith('file_set:')
}

/** A link is put back together with the folders that it may lead to. */
function unitOf(path: string): string {
  return path.endsWith('/current') ? join(path, '..') : path
}

/** Long enough for a token. */
export function word(text: string): string {
  return text.padEnd(24, '-')
}
