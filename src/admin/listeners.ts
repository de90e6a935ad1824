import type { AdminOptions, TcpOptions } from './admin-app.ts'
import { AdminHttp } from './admin-http.ts'
import type { TcpAddress } from './bind-tcp.ts'
import { type AdminListenerOptions, listenAdmin } from './listen-admin.ts'
import { listenMetrics } from './listen-metrics.ts'
import { type AskPublic, listenPublic } from './listen-public.ts'

/** Where clients connect to. */
export interface ListenerAddresses extends Pick<AdminListenerOptions, 'socket'> {
  readonly metrics: TcpAddress
  readonly http?: TcpOptions
  readonly public?: TcpAddress
}

/** Everything that clients connect to. */
export interface Listeners {
  /** Where each answers, for the log. */
  readonly addresses: Readonly<Record<string, string>>
  /** As in {@link AdminHttp.apply}. */
  applyHttp(tcp: TcpOptions | undefined): Promise<void>
  close(): Promise<void>
}

/** @throws OperatorError for what cannot be listened on; nothing is open then */
export async function openListeners(
  { socket, metrics, http, public: open }: ListenerAddresses,
  options: AdminOptions,
  askPublic: AskPublic,
): Promise<Listeners> {
  await using opened = new AsyncDisposableStack()
  const metricsListener = await listenMetrics(metrics, options.metrics)
  opened.defer(() => metricsListener.close())
  const socketListener = await listenAdmin({ socket, ...options })
  opened.defer(() => socketListener.close())
  const publicListener = open && (await listenPublic(open, askPublic, options.log))
  opened.defer(async () => publicListener?.close())
  const adminHttp = new AdminHttp(options)
  opened.defer(() => adminHttp.close())
  await adminHttp.apply(http)
  const all = opened.move()
  return {
    addresses: {
      socket: socket.path,
      ...(adminHttp.url !== undefined && { http: adminHttp.url }),
      metrics: metricsListener.url,
      ...(publicListener && { public: publicListener.url }),
    },
    applyHttp: (tcp) => adminHttp.apply(tcp),
    close: () => all.disposeAsync(),
  }
}
