import type { MaterialView } from '../../../src/operations/views.ts'
import type { DaemonProcess } from '../../scenarios/daemon-process.ts'
import type { History } from './history.ts'
import type { Host } from './host.ts'
import type { Ended } from './rekeyd-process.ts'
import type { VersionRow } from './store-rows.ts'
import { differences, treeOf } from './tree.ts'

/** Takes one line about something that must not be. */
export type Say = (violation: string) => void

/** How a command has to end: with this code, these words in `error:`, and a `hint:` where it is none. */
export interface Wanted {
  readonly exit: number
  readonly words?: RegExp
}

/** What holds after a mishap, looked at from outside: files as they lie there, and what an operator is told. */
export class Judge {
  readonly host: Host
  readonly history: History
  readonly say: Say
  readonly #byHand = new Set<string>()

  constructor(host: Host, history: History, say: Say) {
    this.host = host
    this.history = history
    this.say = say
  }

  /** Remembers what the operator has put somewhere: the store need not know it. */
  putByHand(value: string): string {
    this.#byHand.add(value)
    return value
  }

  /** Whatever `work` does, nothing live may be touched by it. */
  async untouched<T>(during: string, work: () => Promise<T>): Promise<T> {
    const before = this.host.tree()
    const result = await work()
    for (const difference of differences(before, this.host.tree())) {
      this.say(`${during}: ${difference}`)
    }
    return result
  }

  /** The program refuses so, and makes and changes nothing at all, but for the lock and who holds it. */
  async refuses(wanted: Wanted, ...argv: readonly string[]): Promise<Ended> {
    const before = treeOf(this.host.folder)
    const ended = await this.host.run(...argv)
    this.expectEnd(ended, wanted, argv.join(' '))
    for (const difference of differences(before, treeOf(this.host.folder))) {
      if (!/^rekeyd\/state\/lock\.(db|json) /.test(difference)) {
        this.say(`${argv.join(' ')}: ${difference}`)
      }
    }
    return ended
  }

  expectEnd({ exit, stderr }: Ended, wanted: Wanted, what: string): void {
    if (exit !== wanted.exit) {
      this.say(`${what}: exit ${exit}, not ${wanted.exit}: ${stderr.trim()}`)
      return
    }
    if (exit === 0) return
    const [error = '', hint = ''] = stderr.trim().split('\n').slice(-2)
    if (!error.startsWith('error: ') || !(wanted.words ?? /./).test(error)) {
      this.say(`${what} does not say ${wanted.words}: ${stderr.trim()}`)
    }
    if (!/^hint: \S/.test(hint)) this.say(`${what} gives no hint: ${stderr.trim()}`)
  }

  /** Its state and reason, as API and metrics have them. @param drift whether a target shows drift */
  async expectState(
    daemon: DaemonProcess,
    name: string,
    wanted: RegExp,
    drift?: boolean,
  ): Promise<MaterialView> {
    const view = await materialOf(daemon, name)
    const shown = `${view.state}: ${view.reason}`
    if (!wanted.test(shown)) this.say(`${name} is ${shown}, not ${wanted}`)
    const metrics = await daemon.read('/metrics')
    const has = (line: string) => metrics.includes(`${line}\n`)
    if (!has(`rekeyd_material_state{material="${name}",state="${view.state}"} 1`)) {
      this.say(`no metric says that ${name} is ${view.state}`)
    }
    const drifting = has(`rekeyd_material_drift{material="${name}",where="target"} 1`)
    if (drift !== undefined && drifting !== drift) {
      this.say(`the metric of drift of ${name} is ${drifting}, not ${drift}`)
    }
    return view
  }

  /** Every place of a material holds this. */
  expectValue(name: string, wanted: string | undefined): void {
    for (const { target, value } of this.host.placesOf(name)) {
      if (value() !== wanted) this.say(`${target} holds ${value()}, not ${wanted}`)
    }
  }

  /** What has leaked is nowhere, whoever brought back what. */
  expectNoLeak(): void {
    const { leaky, leaked } = this.history
    for (const { target, value } of this.host.placesOf(leaky)) {
      if (value() === leaked) this.say(`${target} holds again what had leaked`)
    }
  }

  /** Every row is there, under the key that its consumer would read. */
  expectDatabase(before: unknown): void {
    const content = this.host.database?.content()
    if (this.host.database && JSON.stringify(content) !== JSON.stringify(before)) {
      this.say('the database does not open, or rows of it differ')
    }
  }

  /** What the operator wrote beside the values of shared files is as they wrote it. */
  expectSurroundings(): void {
    const files = new Set([...this.host.places.values()].flat().map(({ file }) => file))
    for (const file of files) for (const complaint of file?.complaints() ?? []) this.say(complaint)
  }

  /**
   * With no rekeyd running: whatever the store held before it holds now, no number means two values, no active
   * version has leaked, and what is in use is in the store unless the operator put it there.
   */
  expectNothingLost(before: readonly VersionRow[]): void {
    const rows = this.host.rows()
    for (const { material, number, secret, fingerprint } of before) {
      const row = rows.find((one) => one.material === material && one.number === number)
      if (row?.fingerprint !== fingerprint || row.secret !== secret) {
        this.say(`version ${number} of ${material} is lost, or another one`)
      }
    }
    this.expectSoundVersions(rows)
    for (const name of this.host.names) {
      const held = rows.filter(({ material }) => material === name).map(({ secret }) => secret)
      for (const { target, value } of this.host.placesOf(name)) {
        const present = value()
        if (present === undefined || this.#byHand.has(present)) continue
        if (!held.includes(present)) this.say(`${target} holds ${present}, which no version is`)
      }
    }
  }

  expectSoundVersions(rows: readonly VersionRow[]): void {
    for (const name of this.host.names) {
      const active = rows.filter(({ material, state }) => material === name && state === 'active')
      if (active.length !== 1) this.say(`${name} has ${active.length} active versions`)
      if (active[0]?.compromised) this.say(`the active version of ${name} has leaked`)
    }
  }
}

export function materialOf(daemon: DaemonProcess, name: string): Promise<MaterialView> {
  return daemon.ask<MaterialView>('GET', `/v1/materials/${name}`)
}
