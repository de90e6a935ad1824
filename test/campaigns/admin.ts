import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { dial, exchange, SlowClients } from './admin/door.ts'
import { AdminHost } from './admin/host.ts'
import { type Hostile, hostile } from './admin/hostile.ts'
import { judge } from './admin/judge.ts'
import { type Campaign, type CampaignOptions, SeededRandom } from './campaign.ts'
import { secretsIn } from './secret-copies.ts'

/** Connections at a time, beside the slow ones. */
const crowd = 8
/** Slow clients on each listener: as many as there may be connections. */
const slowOnEach = 64
/** Milliseconds that one waits for an answer: to a question, and to something that is done. */
const patience = { asks: 500, acts: 10_000 } as const
/** Milliseconds of 99 in 100 questions after health. */
const slowestHealth = 250
/** Seconds. It ticks every 30, and one may be late. */
const longestSilence = 60
/** Cases before memory counts: until then caches fill and code is compiled. */
const warmUp = 150
/** MiB that memory may grow by after that; descriptors that may be more. */
const growth = { memory: 64, descriptors: 8 } as const

/**
 * Strangers at every listener of a daemon: random requests, damaged ones, aborted ones, and 64 slow clients on each.
 * Nothing breaks, nothing is shown, and whoever may not act changes nothing. A case is one connection.
 */
export const campaign: Campaign = {
  name: 'admin',
  slice: 1_000,
  nightly: 100_000,
  needs: [],
  async run(options) {
    const host = await AdminHost.start()
    const { descriptors } = host.footprint()
    const slow = new SlowClients(Object.values(host.doors), slowOnEach)
    try {
      await new Siege(host, options).run()
      slow.leave()
      await pause(500)
      const more = host.footprint().descriptors - descriptors
      if (more > growth.descriptors) options.report(`${more} descriptors are left open`)
      options.note(`slow clients were thrown out ${slow.thrownOut} times; ${more} descriptors more`)
    } finally {
      slow.leave()
      await host.end()
    }
  },
}

class Siege {
  readonly #host: AdminHost
  readonly #options: CampaignOptions
  readonly #health: number[] = []
  readonly #ownDelay = monitorEventLoopDelay({ resolution: 10 })
  /** What unauthorised requests must leave as it is. */
  #state = ''

  constructor(host: AdminHost, options: CampaignOptions) {
    this.#host = host
    this.#options = options
  }

  async run(): Promise<void> {
    const { cases, seed, report, note } = this.#options
    const began = performance.now()
    this.#ownDelay.enable()
    this.#state = await this.#host.state()
    let warm: number | undefined
    for (let index = 0; index < cases; index += crowd) {
      const count = Math.min(crowd, cases - index)
      await this.#batch(Array.from({ length: count }, (_, at) => seed + index + at))
      if (index >= warmUp) warm ??= this.#host.footprint().memory
    }
    const silence = await this.#host.sinceTick()
    if (!(silence < longestSilence)) report(`the scheduler has not ticked for ${silence} s`)
    this.#judgeHealth()
    this.#judgeLog((performance.now() - began) / 60_000)
    if (warm === undefined) return
    const more = this.#host.footprint().memory - warm
    if (more > growth.memory) report(`memory grew by ${more.toFixed(0)} MiB`)
    note(`memory grew by ${more.toFixed(1)} MiB after the first ${warmUp} cases`)
  }

  /** Those who may act come alone, so that what changes is theirs; the others together. */
  async #batch(seeds: readonly number[]): Promise<void> {
    const all = seeds.map((its) => {
      return { its, ...hostile(new SeededRandom(its), this.#host.surroundings) }
    })
    const strangers = all.filter(({ acts }) => !acts)
    await Promise.all(strangers.map((one) => this.#meet(one, one.its)))
    await this.#askHealth()
    if ((await this.#host.state()) !== this.#state) await this.#blame(strangers)
    const actors = all.filter(({ acts }) => acts)
    for (const one of actors) await this.#meet(one, one.its)
    if (actors.length > 0) this.#state = await this.#settled()
  }

  /** Somebody unauthorised changed something: who does it again, alone? */
  async #blame(strangers: readonly (Hostile & { readonly its: number })[]): Promise<void> {
    const { report } = this.#options
    report('somebody unauthorised changed something')
    for (const one of strangers) {
      const before = await this.#settled()
      await this.#meet(one, one.its)
      if ((await this.#settled()) !== before) report(`${one.door}: this changes something`, one.its)
    }
    this.#state = await this.#settled()
  }

  async #meet(one: Hostile, its: number): Promise<void> {
    const { report } = this.#options
    const secrets = this.#host.secrets()
    const door = this.#host.doors[one.door]
    const answer = await exchange(door, one, one.acts ? patience.acts : patience.asks)
    for (const wrong of judge(answer, one)) report(`${one.door}: ${wrong}`, its)
    for (const secret of secretsIn(answer, new Map([...secrets, ...this.#host.secrets()]))) {
      report(`${one.door}: ${secret} is in an answer`, its)
    }
  }

  /** A rotation that was started goes on after its answer. */
  async #settled(): Promise<string> {
    for (let before = ''; ; await pause(20)) {
      const { materials } = await this.#host.daemon.ask<{ materials: { state: string }[] }>(
        'GET',
        '/v1/materials',
      )
      const state = await this.#host.state()
      if (state === before && materials.every(({ state }) => state !== 'rotating')) return state
      before = state
    }
  }

  /** On a new connection at each door, as a monitor does. */
  async #askHealth(): Promise<void> {
    for (const [name, door] of Object.entries(this.#host.doors)) {
      const began = performance.now()
      const status = await new Promise<string>((resolve) => {
        const socket = dial(door)
        socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        socket.once('data', (answer) => {
          resolve(String(answer).slice(0, 12))
          socket.destroy()
        })
        socket.once('close', () => resolve('no answer'))
      })
      this.#health.push(performance.now() - began)
      if (status !== 'HTTP/1.1 200') this.#options.report(`${name}: health is ${status}`)
    }
  }

  /** On a busy machine this process is late itself: that is taken off. One in 99 of a few is only the slowest. */
  #judgeHealth(): void {
    const sorted = this.#health.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0
    const own = this.#ownDelay.percentile(99) / 1e6
    const share = sorted.length >= 1_000 ? 0.99 : 0.9
    const { report, note } = this.#options
    if (at(share) - own > slowestHealth) {
      report(`${share * 100} in 100 health questions take up to ${at(share).toFixed(0)} ms`)
    }
    note(
      `health beside ${slowOnEach} slow clients on each listener: median ${at(0.5).toFixed(1)} ms, 99 in 100 within ${at(0.99).toFixed(1)} ms (this process itself up to ${own.toFixed(1)} ms late), ${sorted.length} questions`,
    )
  }

  #judgeLog(minutes: number): void {
    const { log } = this.#host
    const { report } = this.#options
    for (const secret of secretsIn(Buffer.from(log), this.#host.secrets())) {
      report(`${secret} is in the log`)
    }
    const refused = log.split('\n').filter((line) => line.includes('without a valid API token'))
    if (refused.length > minutes + 2) report(`${refused.length} lines about refused requests`)
    if (refused.length === 0 && this.#options.cases > 100) report('no refused request was logged')
    if (/unexpectedly/.test(log)) report('a request failed unexpectedly: see the log')
  }
}
