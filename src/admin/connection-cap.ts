import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

interface Connection {
  readonly socket: Socket
  /** Tells connections over TCP apart, where TLS puts a socket of its own over each; absent for a unix socket. */
  readonly peer: string | undefined
  /** What was asked on it and is not answered yet. */
  readonly asked: Set<IncomingMessage>
}

/**
 * Takes at most `most` connections at a time. One more takes the place of that which has been silent, or slow,
 * for the longest, so that slow clients shut nobody out; while all of them are being answered it is closed.
 */
export function capConnections(server: Server, most: number): void {
  /** Those used longest ago come first. */
  const open = new Map<Socket, Connection>()
  server.prependListener('connection', (socket: Socket) => {
    if (open.size >= most) {
      const slow = [...open.values()].find(keepsUsWaiting)
      if (!slow) return void socket.destroy()
      open.delete(slow.socket)
      slow.socket.destroy()
    }
    open.set(socket, { socket, peer: peerOf(socket), asked: new Set() })
    socket.once('close', () => open.delete(socket))
  })
  const find = (socket: Socket) => {
    const sought = peerOf(socket)
    return (
      open.get(socket) ??
      (sought === undefined ? undefined : [...open.values()].find(({ peer }) => peer === sought))
    )
  }
  server.on('request', (request, response) => {
    const connection = find(request.socket)
    connection?.asked.add(request)
    response.once('close', () => {
      if (!connection?.asked.delete(request) || !open.delete(connection.socket)) return
      open.set(connection.socket, connection)
    })
  })
}

/** Nothing that it asked has come whole, or it does not read the answers. */
function keepsUsWaiting({ asked }: Connection): boolean {
  const [first] = asked
  if (first && first.socket.writableLength > 0) return true
  return ![...asked].some(({ complete }) => complete)
}

function peerOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`
}
