import { randomBytes } from 'node:crypto'
import type { Event, Events } from '../model/events.ts'
import { instant, versionView } from '../operations/material-view.ts'

/** What is kept to be sent again: characters. Less than a reader may be behind, or it would never catch up. */
const mostKept = 32 * 1024

interface Kept {
  readonly id: string
  readonly frame: string
}

/**
 * The newest events as frames of server-sent events (WHATWG HTML §9.2), each with an id, so that a client that
 * was cut off for a moment gets what it missed. Ids of another run of rekeyd are told from those of this one.
 */
export class EventLog {
  readonly #run = randomBytes(6).toString('base64url')
  readonly #readers = new Set<(frame: string) => void>()
  readonly #kept: Kept[] = []
  readonly #stop: () => void
  #size = 0
  #count = 0

  constructor(events: Events) {
    this.#stop = events.onAny((event) => {
      if (event.type !== 'scheduler.tick') this.#add(event)
    })
  }

  /**
   * What came after the event `last`. Where that is forgotten, or of another run, a frame `reset`: whoever reads
   * it has missed something and looks at everything again.
   */
  since(last: string): readonly string[] {
    if (last === this.#idOf(this.#count)) return []
    const at = this.#kept.findIndex(({ id }) => id === last)
    if (at >= 0) return this.#kept.slice(at + 1).map(({ frame }) => frame)
    return [`id: ${this.#idOf(this.#count)}\nevent: reset\ndata: {}\n\n`]
  }

  /** Hands over every frame from now on. @returns the function that ends it */
  follow(reader: (frame: string) => void): () => void {
    this.#readers.add(reader)
    return () => void this.#readers.delete(reader)
  }

  close(): void {
    this.#stop()
  }

  #idOf(count: number): string {
    return `${this.#run}-${count}`
  }

  #add(event: Event): void {
    this.#count += 1
    const id = this.#idOf(this.#count)
    const frame = `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(viewOf(event))}\n\n`
    this.#kept.push({ id, frame })
    this.#size += frame.length
    while (this.#size > mostKept) this.#size -= this.#kept.shift()?.frame.length ?? 0
    for (const read of this.#readers) read(frame)
  }
}

/** Times and versions as in the rest of the API. */
function viewOf(event: Event): object {
  const view = { ...event, at: instant(event.at) }
  if (!('version' in event)) return view
  const { version } = event
  return { ...view, material: version.material, version: versionView(version) }
}
