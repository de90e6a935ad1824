import { once } from 'node:events'
import { lstat, mkdir, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { fileError } from '../support/file-error.ts'
import { hasCode, OperatorError } from '../support/operator-error.ts'
import type { AdminOptions } from './admin-app.ts'
import { createApp } from './app.ts'
import { serve } from './listener.ts'

export interface AdminListenerOptions extends AdminOptions {
  /** `mode` as permission bits. */
  readonly socket: { readonly path: string; readonly mode: number }
}

/** `sun_path` of unix(7), less its final NUL. Bytes; Node cuts a longer path short. */
const longestPath = 107

/**
 * Serves the admin API on a unix socket: whoever may open it may do everything.
 * The caller holds the lock of the store, so that a socket on which nobody answers is a dead daemon's.
 * @throws OperatorError when the socket cannot be made, or belongs to somebody else
 */
export async function listenAdmin({
  socket,
  ...options
}: AdminListenerOptions): Promise<{ close(): Promise<void> }> {
  const { close } = await serve(createApp(options), options, async (server) => {
    try {
      await prepare(socket.path)
      await bind(server, socket)
    } catch (error) {
      throw fileError(error, 'listen on', socket.path)
    }
  })
  return { close }
}

async function prepare(path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestPath) {
    throw new OperatorError(`${path} is too long for a socket`, {
      kind: 'config',
      hint: `set admin.socket.path to at most ${longestPath} bytes`,
    })
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const found = await lstat(path).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
  if (!found) return
  if (!found.isSocket()) throw taken(path, 'is there already, and no socket')
  if (await answers(path)) throw taken(path, 'is in use by another program')
  await unlink(path)
}

function taken(path: string, why: string): OperatorError {
  return new OperatorError(`${path} ${why}`, {
    kind: 'config',
    hint: 'set admin.socket.path to another place',
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => resolve(true))
    probe.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT')))
    probe.once('connect', () => probe.destroy())
  })
}

/** The socket's mode is that of `bind`, which is done before `listen` returns: never wider for a moment. */
async function bind(server: Server, { path, mode }: AdminListenerOptions['socket']): Promise<void> {
  const umask = process.umask(0o777 & ~mode)
  try {
    server.listen(path)
  } finally {
    process.umask(umask)
  }
  await once(server, 'listening')
}
