import type { RotationView } from '../../operations/views.ts'
import { overwrittenLine } from '../output/overwritten-line.ts'
import { progressLine } from '../output/progress.ts'
import { stepLine } from '../output/rotation.ts'
import { styleFor } from '../output/style.ts'
import type { Connection } from './parts.ts'
import type { Session } from './session.ts'

/** Between two looks at a rotation under way, in milliseconds. */
const pace = 250

/** Waits for the end of a rotation; on a terminal its steps are shown as they end, and how far long ones are. */
export async function follow(
  session: Session,
  { operations, daemon }: Connection,
  id: string,
): Promise<RotationView> {
  const unshield = daemon ? () => {} : shield(session)
  try {
    const end = operations.wait(id)
    if (!session.terminal.terminals.err) return await end
    return await watch(session, end, () => operations.rotation(id))
  } finally {
    unshield()
  }
}

async function watch(
  session: Session,
  end: Promise<RotationView>,
  look: () => Promise<RotationView>,
): Promise<RotationView> {
  const { terminal, parts } = session
  const style = styleFor(true, terminal.environment)
  let shown = 0
  const line = overwrittenLine((text) => terminal.err(text))
  const show = ({ steps, progress }: RotationView) => {
    while (steps[shown]?.ended !== undefined) {
      const step = steps[shown++]
      line.show('')
      if (step) session.note(stepLine(step, style))
    }
    line.show(progress ? progressLine(progress) : '')
  }
  const stop = new AbortController()
  const ended = end.finally(() => stop.abort())
  try {
    while (!stop.signal.aborted) {
      // A look that fails is no reason to stop waiting.
      const glance = parts.clock
        .sleep(pace, stop.signal)
        .then(look)
        .catch(() => undefined)
      const view = await Promise.race([ended, glance])
      if (view) show(view)
    }
    const view = await ended
    show(view)
    return view
  } finally {
    line.show('')
  }
}

/**
 * A rotation in this process ends with it. It would be recovered at the next start, but until then the
 * consumer may be stopped: the first Ctrl-C only says so.
 */
function shield(session: Session): () => void {
  const { terminal } = session
  let asked = false
  return terminal.onSignal('SIGINT', () => {
    if (asked) terminal.exit(130)
    asked = true
    session.note('a rotation is under way here; Ctrl-C again leaves it to be recovered later')
  })
}
