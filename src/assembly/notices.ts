import { hostname } from 'node:os'
import type { Config } from '../config/config.ts'
import type { Events } from '../model/events.ts'
import { channels } from '../notices/catalog.ts'
import type { Channel, ChannelType } from '../notices/channel.ts'
import { Notices } from '../notices/notices.ts'
import type { Store } from '../store/store.ts'
import { type OutlookParts, outlookOf } from './outlook.ts'

/** The notices that the config asks for; none where it names no channel. */
export function assembleNotices(
  parts: OutlookParts & { readonly store: Pick<Store, 'notices'>; readonly events: Events },
): Notices {
  const { config, store, clock, events } = parts
  const { heartbeat, before, onSuccess = 'never' } = config.notices ?? {}
  return new Notices({
    channels: channelsOf(config),
    ...(heartbeat && { heartbeat }),
    ...(before !== undefined && { before }),
    onSuccess,
    outlook: () => outlookOf(parts),
    told: store.notices,
    clock,
    events,
    host: hostname(),
  })
}

/** The schema has let through only what the catalog has. */
function channelsOf({ notices }: Config): ReadonlyMap<string, Channel> {
  const catalog: Readonly<Record<string, ChannelType<unknown>>> = channels
  return new Map(
    (notices?.channels ?? []).flatMap(({ type, options }): readonly [string, Channel][] => {
      const entry = catalog[type]
      return entry ? [[type, entry.create(options)]] : []
    }),
  )
}
