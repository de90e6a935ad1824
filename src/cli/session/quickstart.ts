import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { list } from '../output/table.ts'
import { makeStoreOnce } from './make-store-once.ts'
import type { Session } from './session.ts'

/** Runs the daemon on `./var`, made now or found there, with its demo server. */
export async function runQuickstart(session: Session, signal: AbortSignal): Promise<void> {
  const { parts, terminal } = session
  const demo = await parts.prepareQuickstart(join(terminal.directory, 'var'))
  try {
    const read = () => parts.loadConfig({ ...session.where, config: demo.configPath })
    const config = await read()
    await makeStoreOnce(parts, config)
    tellWhere(session, config, demo.site)
    await parts.runDaemon({ config, reload: read, signal })
  } finally {
    demo.close()
  }
}

function tellWhere(
  session: Session,
  { socket, metrics, http, stateDir, path }: Config,
  site: string,
): void {
  const url = `${urlOf(metrics)}metrics`
  const page = http && urlOf(http)
  const view = {
    state_dir: stateDir,
    config: path,
    socket: socket.path,
    ...(page !== undefined && { page }),
    metrics: url,
    demo: site,
  }
  session.answer(view, () =>
    [
      'rekeyd runs on ./var with embedded defaults, and rotates for real\n',
      list([
        ['status page', page ?? `curl --unix-socket ${socket.path} http://localhost/`],
        ['its sign-in', 'npm run -s rekeyd -- api-token add me --scope admin --stdout'],
        ['metrics', url],
        ['admin socket', socket.path],
        ['demo server', site],
        ['config', path],
        ['now try', 'npm run -s rekeyd -- status'],
        ['', 'npm run -s rekeyd -- rotate vapid'],
      ]),
    ].join(''),
  )
}

function urlOf({ host, port }: Config['metrics']): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`
}
