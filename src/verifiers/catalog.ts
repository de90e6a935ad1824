import { command } from './command.ts'
import { http } from './http.ts'
import { quic } from './quic.ts'
import { sqlcipher } from './sqlcipher.ts'
import { systemd } from './systemd.ts'
import { tcp } from './tcp.ts'
import { tls } from './tls.ts'
import { vapid } from './vapid.ts'
import type { VerifierType } from './verifier.ts'

/** Every proof that a consumer uses a version, by the name the config uses. */
export const verifiers = {
  tls,
  quic,
  http,
  tcp,
  sqlcipher,
  vapid,
  systemd,
  command,
} satisfies Record<string, VerifierType<unknown>>
