import { randomUUID } from 'node:crypto'
import type { EventName, Events } from '../model/events.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf, OperatorError } from '../support/operator-error.ts'
import { announcements, type NoticeSettings, staysTold } from './announcements.ts'
import type { Channel } from './channel.ts'
import { deliver } from './deliver.ts'
import { beat, type HeartbeatOptions, startHeartbeat } from './heartbeat.ts'
import { Lane } from './lane.ts'
import { lookAgain } from './look-again.ts'
import { type Announcement, type Notice, printable } from './notice.ts'
import type { Outlook } from './outlook.ts'
import { Told, type ToldTable } from './told.ts'
import { watchTrouble } from './watch-trouble.ts'

/** Between two looks when nothing happens: no window opens unnoticed. Milliseconds. */
const look = 300_000

/** What may change what there is to tell. */
const telling: readonly EventName[] = [
  'material.state',
  'rotation.finished',
  'drift',
  'clock.suspect',
  'store.error',
  'backup.finished',
]

export interface NoticesParts extends NoticeSettings {
  readonly channels: ReadonlyMap<string, Channel>
  readonly heartbeat?: HeartbeatOptions
  readonly outlook: () => Omit<Outlook, 'trouble'>
  readonly told: ToldTable
  readonly clock: Clock
  readonly events: Events
  /** The name of this host. */
  readonly host: string
}

/** How a test notice fared on one channel. */
export interface NoticeTest {
  readonly channel: string
  readonly ok: boolean
  /** How long it took. */
  readonly seconds: number
  /** Why it was not taken, and what to do about it. */
  readonly error?: string
  readonly hint?: string
}

/**
 * Looks again and again at what there is to tell, and has it told. Nothing waits for it: who looks are a timer and
 * events, and each channel works for itself.
 */
export class Notices {
  readonly #parts: NoticesParts
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #stopHeartbeat: (() => Promise<void>) | undefined

  constructor(parts: NoticesParts) {
    this.#parts = parts
  }

  /** The names that are counted under. */
  get names(): readonly string[] {
    const { channels, heartbeat } = this.#parts
    return [...channels.keys(), ...(heartbeat ? ['heartbeat'] : [])]
  }

  start(): void {
    const { channels, heartbeat, clock, events } = this.#parts
    if (heartbeat) this.#stopHeartbeat ??= startHeartbeat(heartbeat, clock, events)
    if (channels.size > 0) this.#running ??= this.#run()
  }

  /** Takes a few seconds at most. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([this.#running, this.#stopHeartbeat?.()])
  }

  /**
   * Sends a test notice, once, on one channel or on all.
   * @throws OperatorError when there is no such channel
   */
  async test(name?: string): Promise<readonly NoticeTest[]> {
    const { names } = this
    if (names.length === 0) throw nobody()
    if (name !== undefined && !names.includes(name)) throw unknown(name, names)
    const chosen = name === undefined ? names : [name]
    return Promise.all(chosen.map((one) => this.#tryOut(one)))
  }

  async #run(): Promise<void> {
    const { events, clock, channels } = this.#parts
    const told = new Told(this.#parts.told)
    const trouble = watchTrouble(events)
    const lanes = [...channels].map(
      ([name, channel]) => new Lane({ name, channel, told, clock, events }),
    )
    const often = { events, clock, telling, every: look }
    await lookAgain(often, this.#stopping.signal, () =>
      this.#look(lanes, told, trouble.at(clock.now())),
    )
    trouble.stop()
    await Promise.all(lanes.map((lane) => lane.stop()))
  }

  #look(lanes: readonly Lane<Notice>[], told: Told, trouble: Outlook['trouble']): void {
    const seen = this.#outlook()
    const outlook = seen ?? { now: this.#parts.clock.now(), materials: [] }
    const found = announcements({ ...outlook, trouble }, this.#parts)
    if (seen) told.forgetAllBut(new Set(found.map(({ cause }) => cause)), staysTold)
    const notices = found.map((announcement) => this.#noticeOf(announcement))
    for (const lane of lanes) lane.offer(notices)
  }

  /** Undefined when the store cannot be read: the trouble with it is still to be told. */
  #outlook(): Omit<Outlook, 'trouble'> | undefined {
    try {
      return this.#parts.outlook()
    } catch {
      return undefined
    }
  }

  #noticeOf(announcement: Announcement): Notice {
    const { clock, host } = this.#parts
    return { ...printable(announcement), id: `msg_${randomUUID()}`, at: clock.now(), host }
  }

  async #tryOut(name: string): Promise<NoticeTest> {
    const { channels, heartbeat, clock } = this.#parts
    const started = performance.now()
    const done = () => Math.round(performance.now() - started) / 1000
    const channel = channels.get(name)
    try {
      const { signal } = this.#stopping
      if (channel) await deliver(channel, this.#noticeOf(testAnnouncement), clock, signal)
      else if (heartbeat) await beat(heartbeat, clock, signal)
      return { channel: name, ok: true, seconds: done() }
    } catch (error) {
      const hint = error instanceof OperatorError ? error.hint : undefined
      const failed = { channel: name, ok: false, seconds: done(), error: messageOf(error) }
      return { ...failed, ...(hint !== undefined && { hint }) }
    }
  }
}

const testAnnouncement: Announcement = {
  cause: 'test',
  kind: 'test',
  severity: 'info',
  title: 'a test notice',
  lines: ['Somebody ran `rekeyd notify --test`: what needs a person is told here.'],
  materials: [],
  reminded: false,
}

function nobody(): OperatorError {
  return new OperatorError('nobody is told anything: no channel is configured', {
    kind: 'refused',
    hint: 'add `notices: { ntfy: { url: … } }` to the config, or webhook, email or heartbeat',
  })
}

function unknown(name: string, names: readonly string[]): OperatorError {
  return new OperatorError(`there is no channel ${name}`, {
    kind: 'usage',
    hint: `the configured ones are ${names.join(', ')}`,
  })
}
