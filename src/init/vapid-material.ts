import type { MaterialDraft } from './preset.ts'
import { flow } from './yaml-flow.ts'

/** The VAPID keys of a push service of its own: browsers have to subscribe again, so each rotation is approved. */
export function vapidMaterial(
  name: string,
  rest: {
    readonly about?: string
    readonly targets: readonly string[]
    readonly consumers: readonly string[]
    readonly verify: string
  },
): MaterialDraft {
  return {
    name,
    about: [
      rest.about ??
        'Waits for `rekeyd approve`: subscriptions belong to the key that they were made with.',
    ],
    kind: 'vapid',
    rotate: { every: '365d' },
    lines: [
      'approval: required',
      'targets:',
      ...rest.targets,
      `consumers: ${flow(rest.consumers)}`,
      `verify: ${rest.verify}`,
      'impact: Every browser has to subscribe to notifications again.',
    ],
  }
}
