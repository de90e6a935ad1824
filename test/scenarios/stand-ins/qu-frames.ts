import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

type Frame = Readonly<Record<string, string>>

/** 4 bytes of length, big-endian, and JSON: the framing of all of QUptime's RPC. */
export function writeFrame(socket: TLSSocket, frame: Frame): void {
  const body = Buffer.from(JSON.stringify(frame))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  socket.write(Buffer.concat([length, body]))
}

export async function readFrame(socket: TLSSocket): Promise<Frame> {
  let received = Buffer.alloc(0)
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    received = Buffer.concat([received, chunk as Buffer])
    if (received.length < 4 || received.length < 4 + received.readUInt32BE()) continue
    return JSON.parse(received.subarray(4).toString('utf8')) as Frame
  }
  throw new Error('the connection ended within a frame')
}

/** Whether the node lets somebody with this secret in. */
export async function join(port: number, secret: string): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  writeFrame(socket, { method: 'Join', secret })
  const { accepted } = await readFrame(socket)
  socket.destroy()
  return accepted === 'true'
}
