import type { Command } from 'commander'
import { messageOf, OperatorError } from '../../support/operator-error.ts'
import { socketsToTry } from '../session/find-daemon.ts'
import type { Session } from '../session/session.ts'

/** A daemon that is well answers at once. Milliseconds. */
const patience = 3_000

export function addHealthcheck(program: Command, session: Session): void {
  program
    .command('healthcheck')
    .description('exit 0 if the daemon is well, else 1; for containers')
    .action(async () => {
      const problems: string[] = []
      for (const socket of await socketsOf(session)) {
        const problem = await problemOf(socket)
        if (problem === undefined) return session.answer({ ok: true, socket }, () => 'ok\n')
        problems.push(`${socket}: ${problem}`)
      }
      throw new OperatorError(`no daemon is well; ${problems.join('; ')}`, {
        hint: 'start it with `rekeyd run`, or name its socket with --socket',
      })
    })
}

async function problemOf(socket: string): Promise<string | undefined> {
  const { askDaemon } = await import('../../operations/ask-daemon.ts')
  return askDaemon(socket, { method: 'GET', path: '/healthz', patience }).then(
    () => undefined,
    (error: unknown) => messageOf(error),
  )
}

async function socketsOf({ where, parts }: Session): Promise<readonly string[]> {
  const sockets = socketsToTry(where)
  return sockets.length > 0 ? sockets : [(await parts.loadConfig(where)).socket.path]
}
