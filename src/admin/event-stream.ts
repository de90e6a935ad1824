import type { ServerResponse } from 'node:http'
import type { Event, Events } from '../model/events.ts'
import { instant, versionView } from '../operations/material-view.ts'
import type { Clock } from '../support/clock.ts'

/** Between two comments that show both sides the connection lives. Milliseconds. */
const heartbeat = 15_000
/** Bytes that may wait for a reader before it is dropped. */
const mostBehind = 64 * 1024

/**
 * Sends every event as it happens (server-sent events, WHATWG HTML §9.2), until the client goes or
 * `closing`. A reader that falls behind is dropped: whoever emits never waits, and what was missed is in
 * `/v1/rotations`.
 */
export async function streamEvents(
  response: ServerResponse,
  events: Events,
  clock: Clock,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  response.once('error', () => gone.abort())
  const write = (text: string) => {
    if (response.destroyed) return
    response.write(text)
    if (response.writableLength > mostBehind) response.destroy()
  }
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  })
  const stop = events.onAny((event) => {
    if (event.type !== 'scheduler.tick') write(frame(event))
  })
  try {
    const ended = AbortSignal.any([gone.signal, closing])
    while (!ended.aborted) {
      write(': rekeyd\n\n')
      await clock.sleep(heartbeat, ended).catch(() => {})
    }
  } finally {
    stop()
    response.end()
  }
}

function frame(event: Event): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(viewOf(event))}\n\n`
}

/** Times and versions as in the rest of the API. */
function viewOf(event: Event): object {
  const view = { ...event, at: instant(event.at) }
  if (!('version' in event)) return view
  const { version } = event
  return { ...view, material: version.material, version: versionView(version) }
}
