import type { Config } from '../config/config.ts'
import type { Events } from '../model/events.ts'
import { PublicChanges } from '../notices/public/public-changes.ts'
import { publicWebhook } from '../notices/public/webhook.ts'
import type { PublicKeys } from '../operations/public-keys.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../support/clock.ts'
import { settledVersions } from './public-keys.ts'

interface PublicWebhookParts {
  readonly config: Config
  readonly store: Pick<Store, 'keys' | 'journal' | 'notices'>
  readonly clock: Clock
  readonly events: Events
}

/** Undefined where the config names none. */
export function assemblePublicWebhook(
  { config, store, clock, events }: PublicWebhookParts,
  publicKeys: PublicKeys,
): PublicChanges | undefined {
  if (!config.publicWebhook) return undefined
  const names = config.materials.filter((one) => one.public).map(({ name }) => name)
  return new PublicChanges({
    channel: publicWebhook(config.publicWebhook, (name) => publicKeys.of(name)),
    versions: () => names.flatMap((name) => settledVersions(name, store)),
    told: store.notices,
    clock,
    events,
  })
}
