import type { Preset } from './preset.ts'
import { generic } from './presets/generic.ts'
import { mastodon } from './presets/mastodon.ts'
import { nginx } from './presets/nginx.ts'
import { ntfy } from './presets/ntfy.ts'
import { pilcrow } from './presets/pilcrow.ts'
import { quicprochat } from './presets/quicprochat/quicprochat.ts'
import { quptime } from './presets/quptime.ts'
import { webPush } from './presets/web-push.ts'

/** Every preset, by the name that `rekeyd init` takes. */
export const presets = {
  quicprochat,
  pilcrow,
  quptime,
  ntfy,
  'web-push': webPush,
  mastodon,
  nginx,
  generic,
} satisfies Record<string, Preset>
