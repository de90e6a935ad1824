import { connect, type Socket } from 'node:net'

/** Where a client comes in: a path, or a port of 127.0.0.1. */
export type Door = string | number

export function dial(door: Door): Socket {
  const socket = typeof door === 'string' ? connect(door) : connect(door, '127.0.0.1')
  return socket.on('error', () => {})
}

export interface Sending {
  /** What is written, one piece a turn of the event loop. */
  readonly pieces: readonly Buffer[]
  /** `half-close` after the last piece; `abort` without a farewell; `stay` as a client that waits. */
  readonly ending: 'half-close' | 'abort' | 'stay'
}

/** @returns all that came back until the end, or until `patience` (milliseconds) had passed */
export function exchange(
  door: Door,
  { pieces, ending }: Sending,
  patience: number,
): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = dial(door)
    const received: Buffer[] = []
    const end = setTimeout(() => socket.destroy(), patience)
    socket.on('data', (chunk) => void received.push(chunk))
    socket.once('close', () => {
      clearTimeout(end)
      resolve(Buffer.concat(received))
    })
    socket.once('connect', () => {
      const write = (index: number) => {
        const piece = pieces[index]
        if (piece && !socket.destroyed) {
          socket.write(piece)
          return void setImmediate(write, index + 1)
        }
        if (ending === 'half-close') socket.end()
        else if (ending === 'abort' && typeof door === 'number') socket.resetAndDestroy()
        else if (ending === 'abort') socket.destroy()
      }
      write(0)
    })
  })
}

/** Clients that connect and then take their time, each again as soon as it is thrown out. */
export class SlowClients {
  readonly #sockets = new Set<Socket>()
  #gone = false
  /** How often one of them was thrown out. */
  thrownOut = 0

  constructor(doors: readonly Door[], each: number) {
    for (const door of doors) for (let index = 0; index < each; index += 1) this.#come(door, index)
  }

  leave(): void {
    this.#gone = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** One of four says nothing at all; the others never come to the end of their head, or of their body. */
  #come(door: Door, index: number): void {
    const socket = dial(door)
    this.#sockets.add(socket)
    const body = 'POST /v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n{'
    const start = ['', 'GET /healthz HTTP/1.1\r\nX-Slow: ', body, 'G'][index % 4] ?? ''
    if (start !== '') socket.write(start)
    const drip = setInterval(() => start !== '' && socket.write('x'), 1_000 + 50 * (index % 16))
    socket.resume().once('close', () => {
      clearInterval(drip)
      this.#sockets.delete(socket)
      if (this.#gone) return
      this.thrownOut += 1
      setTimeout(() => this.#gone || this.#come(door, index), 200)
    })
  }
}
