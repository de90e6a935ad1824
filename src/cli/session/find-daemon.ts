import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { hasCode, OperatorError } from '../../support/operator-error.ts'
import type { Whereabouts } from './parts.ts'

/** Where a daemon listens unless somebody said otherwise: that of `npm start`, and the system's. */
const usualSockets = ['var/admin.sock', '/run/rekeyd/admin.sock']

/**
 * The sockets to try, in order. Where one is named, no other is: the answer of a different daemon would
 * be worse than none. `--config` names one, too, which is known only once the config is read.
 */
export function socketsToTry({ socket, config, environment, directory }: Whereabouts): string[] {
  const named = socket ?? (environment['REKEYD_SOCKET'] || undefined)
  const paths = named === undefined ? (config === undefined ? usualSockets : []) : [named]
  return paths.map((path) => resolve(directory, path))
}

/**
 * The first socket on which a daemon answers.
 * @throws OperatorError `locked` when a daemon may be there, but we may not ask it, or where none answers
 *   on the socket that was asked for
 */
export async function findDaemon(where: Whereabouts): Promise<string | undefined> {
  for (const path of socketsToTry(where)) if (await answers(path)) return path
  if (where.socket === undefined) return undefined
  throw new OperatorError(`no daemon answers on ${where.socket}`, {
    kind: 'locked',
    hint: 'start it with `rekeyd run`, or leave --socket out to work on the store itself',
  })
}

/**
 * Whether a daemon answers on a socket; the file that a dead one left behind does not.
 * @throws OperatorError `locked` when we may not ask
 */
export async function answers(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK)
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) return false
    throw new OperatorError(`no permission to talk to the daemon on ${path}`, {
      kind: 'locked',
      hint: 'run it with sudo, or as the user that rekeyd runs as',
    })
  }
  const { reachable } = await import('../../operations/remote-operations.ts')
  return reachable(path)
}
