import type { EventName, Events } from '../../model/events.ts'
import type { Version } from '../../model/version.ts'
import type { Clock } from '../../support/clock.ts'
import type { Channel } from '../channel.ts'
import { Lane } from '../lane.ts'
import { lookAgain } from '../look-again.ts'
import { Told, type ToldTable } from '../told.ts'
import { causeOf, causesOf, isOfPublicPart, type PublicChange, publicChanges } from './changes.ts'

/** Between two looks when nothing happens: a mark alone is no event. Milliseconds. */
const look = 60_000

/** What may change what clients have to know. */
const telling: readonly EventName[] = [
  'version.active',
  'version.announced',
  'version.retired',
  'rotation.started',
  'rotation.finished',
  'material.state',
]

export interface PublicChangesParts {
  readonly channel: Channel<PublicChange>
  /** Those of the public materials, without what a rotation is only trying out. */
  readonly versions: () => readonly Version[]
  readonly told: ToldTable
  readonly clock: Clock
  readonly events: Events
}

/**
 * Has the application told where the versions of public materials stand. Compares what is with what was told,
 * so that nothing is lost over a restart; no rotation waits for it.
 */
export class PublicChanges {
  /** What it is counted under. */
  readonly name = 'public'
  readonly #parts: PublicChangesParts
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined

  constructor(parts: PublicChangesParts) {
    this.#parts = parts
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Takes a few seconds at most. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { events, clock, channel } = this.#parts
    const told = new Told(this.#parts.told)
    const lane = new Lane({ name: this.name, channel, told: onePerVersion(told), clock, events })
    await lookAgain({ events, clock, telling, every: look }, this.#stopping.signal, () =>
      this.#look(lane, told),
    )
    await lane.stop()
  }

  #look(lane: Lane<PublicChange>, told: Told): void {
    const versions = this.#versions()
    if (!versions) return
    this.#forget(versions, told)
    const now = this.#parts.clock.now()
    lane.offer(publicChanges(versions, (causes) => told.isKnown(causes), now))
  }

  /** What is no longer public, and what is destroyed and was told to be gone. */
  #forget(versions: readonly Version[], told: Told): void {
    const isSettled = (version: Version) =>
      version.state === 'destroyed' && told.at(causeOf(version), this.name) !== undefined
    const kept = versions.filter((version) => !isSettled(version)).map(causesOf)
    told.forgetAllBut(
      new Set(),
      (cause) => !isOfPublicPart(cause) || kept.some((causes) => cause.startsWith(causes)),
    )
  }

  /** Undefined when the store cannot be read: who needs it says so. */
  #versions(): readonly Version[] | undefined {
    try {
      return this.#parts.versions()
    } catch {
      return undefined
    }
  }
}

/**
 * Remembers of each version only what was told last, so that the same is told anew when it comes again. Forgets
 * first: after a crash in between it is told twice, not never.
 */
function onePerVersion(told: Told): Pick<Told, 'at' | 'note'> {
  return {
    at: (cause, channel) => told.at(cause, channel),
    note(cause, channel, at) {
      const causes = cause.slice(0, cause.lastIndexOf(' ') + 1)
      told.forgetAllBut(new Set(), (other) => !other.startsWith(causes))
      told.note(cause, channel, at)
    },
  }
}
