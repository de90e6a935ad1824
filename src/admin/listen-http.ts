import type { Server } from 'node:https'
import type { AdminOptions, TcpOptions } from './admin-app.ts'
import { createApp } from './app.ts'
import { bindTcp } from './bind-tcp.ts'
import { followCertificate } from './certificate.ts'
import { serve } from './listener.ts'

/** A listener of the admin API over TCP. */
export interface HttpListener {
  /** Where it answers. */
  readonly url: string
  close(): Promise<void>
}

/**
 * Serves the admin API over TCP: every request shows a token.
 * @throws OperatorError when the address cannot be listened on, or there is no certificate for it
 */
export async function listenHttp(options: AdminOptions, tcp: TcpOptions): Promise<HttpListener> {
  const app = createApp(options, tcp)
  const { bound, close } = await serve(app, options, (server) =>
    bindTcp(server, tcp, 'the admin API', 'admin.http.listen'),
  )
  if (tcp.tls) followCertificate(app.server as Server, tcp.tls, options.log)
  return { url: `${tcp.tls ? 'https' : 'http'}://${bound}/`, close }
}
