import { command } from './command.ts'
import { consumerMade } from './consumer-made.ts'
import { databaseKey } from './database-key.ts'
import { ed25519 } from './ed25519.ts'
import type { KindType } from './kind.ts'
import { nodeIdentity } from './node-identity.ts'
import { opaqueSetup } from './opaque-setup.ts'
import { tls } from './tls/tls.ts'
import { token } from './token.ts'
import { vapid } from './vapid.ts'

/** Every kind of key material, by the name the config uses. */
export const kinds = {
  vapid,
  token,
  ed25519,
  'database-key': databaseKey,
  'opaque-setup': opaqueSetup,
  'consumer-made': consumerMade,
  command,
  'node-identity': nodeIdentity,
  tls,
} satisfies Record<string, KindType<unknown>>
