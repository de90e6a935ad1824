import type { Clock } from '../../support/clock.ts'
import type { Terminal } from './terminal.ts'

/**
 * npm passes on the Ctrl-C that the terminal has sent to us already: within this time a second one is
 * the same one. Milliseconds.
 */
const echo = 1_000

/**
 * A signal that aborts with SIGTERM or Ctrl-C, so that the step under way ends safely. A second Ctrl-C ends the
 * process at once.
 */
export function stopOnSignal(terminal: Terminal, clock: Clock) {
  const stop = new AbortController()
  let interrupted: number | undefined
  const releases = [
    terminal.onSignal('SIGTERM', () => stop.abort()),
    terminal.onSignal('SIGINT', () => {
      interrupted ??= clock.sinceBoot()
      if (clock.sinceBoot() - interrupted > echo) return terminal.exit(130)
      stop.abort()
    }),
  ]
  return {
    signal: stop.signal,
    release() {
      for (const release of releases) release()
    },
  }
}
