import type { DoctorFinding } from '../operations/outlook.ts'
import { Window } from '../scheduler/window.ts'
import { messageOf } from '../support/operator-error.ts'
import { attempt, failure, ok, warning } from './finding.ts'
import type { MaterialCheck, Subject } from './subject.ts'

/** Whether a rotation would be begun at all. */
export const standing: MaterialCheck = async (material, subject) => {
  const { name, permit } = material
  return [
    ...(permit
      ? [
          await attempt('permitted', { material: name }, () =>
            permit().then(() => 'is for this host to do'),
          ),
        ]
      : []),
    ...blocks(name, subject),
    ...windowOf(name, subject),
  ]
}

function blocks(material: string, { store }: Subject): readonly DoctorFinding[] {
  if (!store) return []
  const where = { material }
  const findings: DoctorFinding[] = []
  const { attention, suspended, paused } = store.schedule(material)
  if (attention !== undefined) {
    const hint = `\`rekeyd adopt ${material}\` takes what is live, \`rekeyd apply ${material}\` writes the active version again`
    findings.push(failure('attention', `needs attention: ${attention}`, hint, where))
  }
  if (suspended) {
    const hint = `\`rekeyd resume ${material}\` once the reason is gone`
    findings.push(warning('schedule', `is suspended: ${suspended.reason}`, hint, where))
  }
  if (paused) {
    findings.push(
      warning('schedule', `is paused: ${paused.reason}`, `\`rekeyd resume ${material}\``, where),
    )
  }
  return findings
}

/** One that never opens was refused when the config was read. */
function windowOf(material: string, { config, now }: Subject): readonly DoctorFinding[] {
  const window = config.materials.find(({ name }) => name === material)?.window
  if (!window) return []
  try {
    const next = new Window(window.name, window).nextOpen(now)
    const when = next === undefined ? 'never' : `at ${new Date(next).toISOString()}`
    return [ok('window', `window ${window.name} opens next ${when}`, { material })]
  } catch (error) {
    return [failure('window', messageOf(error), 'correct the window', { material })]
  }
}
