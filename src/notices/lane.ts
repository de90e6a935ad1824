import type { Events } from '../model/events.ts'
import type { NoticeResult } from '../model/notice.ts'
import type { Clock } from '../support/clock.ts'
import { messageOf } from '../support/operator-error.ts'
import type { Channel, Tellable } from './channel.ts'
import { deliver } from './deliver.ts'
import type { Told } from './told.ts'

const day = 86_400_000
/** What one channel has still to deliver. What does not fit comes again as long as it holds. */
const mostPending = 100
const firstRetry = 30_000
const lastRetry = 3_600_000
/** How long a stop waits for what is on its way. Milliseconds. */
const drain = 3_000

export interface LaneParts<T extends Tellable> {
  readonly name: string
  readonly channel: Channel<T>
  readonly told: Pick<Told, 'at' | 'note'>
  readonly clock: Clock
  readonly events: Events
}

/**
 * What is to be told on one channel, one after the other, for as long as it holds. A failure is tried again after
 * half a minute, doubled each time, but at least once an hour; meanwhile the next one has its turn.
 */
export class Lane<T extends Tellable> {
  readonly #parts: LaneParts<T>
  readonly #pending = new Map<string, T>()
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  #failures = 0
  /** What is on its way. */
  #sending: string | undefined
  #running: Promise<void> | undefined

  constructor(parts: LaneParts<T>) {
    this.#parts = parts
  }

  /** Everything that holds now: what is new is sent, what is over is dropped. */
  offer(notices: readonly T[]): void {
    this.#drop(new Set(notices.map(({ cause }) => cause)))
    for (const notice of notices) {
      if (this.#pending.size >= mostPending) break
      if (this.#isDue(notice)) this.#pending.set(notice.cause, notice)
    }
    if (this.#pending.size > 0 && !this.#stopping.signal.aborted) this.#running ??= this.#run()
  }

  /** Waits a moment for what is on its way; what is pending is told after the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const done = new AbortController()
    const patience = this.#parts.clock.sleep(drain, done.signal).catch(() => {})
    await Promise.race([this.#running, patience])
    this.#cut.abort()
    done.abort()
    await this.#running
  }

  #drop(present: ReadonlySet<string>): void {
    for (const [cause, notice] of this.#pending) {
      if (present.has(cause) || cause === this.#sending) continue
      this.#pending.delete(cause)
      this.#tell(notice, 'dropped')
    }
  }

  #isDue({ cause, reminded }: T): boolean {
    const { told, name, clock } = this.#parts
    if (this.#pending.has(cause)) return false
    const last = told.at(cause, name)
    return last === undefined || (reminded && last + day <= clock.now())
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const [notice] = this.#pending.values()
      if (!notice) break
      if (await this.#sent(notice)) this.#failures = 0
      else await this.#parts.clock.sleep(this.#pause(), signal).catch(() => {})
    }
    this.#running = undefined
  }

  async #sent(notice: T): Promise<boolean> {
    const { channel, clock, told, name } = this.#parts
    const { cause } = notice
    this.#sending = cause
    try {
      await deliver(channel, notice, clock, this.#cut.signal)
    } catch (error) {
      if (this.#cut.signal.aborted) return false
      this.#failures += 1
      // The others are not to wait for one that is never taken.
      if (this.#pending.delete(cause)) this.#pending.set(cause, notice)
      this.#tell(notice, 'failed', messageOf(error))
      return false
    } finally {
      this.#sending = undefined
    }
    told.note(cause, name, clock.now())
    this.#pending.delete(cause)
    this.#tell(notice, 'delivered')
    return true
  }

  #pause(): number {
    return Math.min(lastRetry, firstRetry * 2 ** (this.#failures - 1))
  }

  #tell({ title }: T, result: NoticeResult, reason?: string): void {
    const { name, clock, events } = this.#parts
    const why = reason === undefined ? {} : { reason }
    events.emit('notice', clock.now(), { channel: name, title, result, ...why })
  }
}
