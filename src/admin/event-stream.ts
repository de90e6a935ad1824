import type { ServerResponse } from 'node:http'
import type { Clock } from '../support/clock.ts'
import type { EventLog } from './event-log.ts'

/** Between two comments that show both sides the connection lives. Milliseconds. */
const heartbeat = 15_000
/** Bytes that may wait for a reader before it is dropped. */
const mostBehind = 64 * 1024

/** What ends a stream beside the client. */
export interface StreamEnds {
  readonly closing: AbortSignal
  /** Asked at every heartbeat: a token that was revoked reads no further. */
  readonly isAllowed: () => Promise<boolean>
}

/**
 * Sends what came after `last`, and then every event as it happens, until the client goes or an end comes. A
 * reader that falls behind is dropped: whoever emits never waits. It comes back with the id of what it saw last.
 */
export async function streamEvents(
  response: ServerResponse,
  log: EventLog,
  last: string | undefined,
  clock: Clock,
  { closing, isAllowed }: StreamEnds,
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
  write('retry: 2000\n\n')
  if (last !== undefined) for (const frame of log.since(last)) write(frame)
  const stop = log.follow(write)
  try {
    const ended = AbortSignal.any([gone.signal, closing])
    while (!ended.aborted && (await isAllowed())) {
      write(': rekeyd\n\n')
      await clock.sleep(heartbeat, ended).catch(() => {})
    }
  } finally {
    stop()
    response.end()
  }
}
