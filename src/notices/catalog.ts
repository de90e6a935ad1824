import { email } from './email.ts'
import { ntfy } from './ntfy.ts'
import { webhook } from './webhook/webhook.ts'

/** Every channel, by the name the config uses. */
export const channels = { ntfy, webhook, email }
