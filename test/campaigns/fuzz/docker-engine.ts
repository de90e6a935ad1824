import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { type ListName, lists, nonsense, strange, type Way, ways } from './docker-replies.ts'
import type { Trial } from './trial.ts'

export interface EngineScript {
  readonly list: ListName
  /** What becomes of a container that was told to stop. */
  readonly stopped: string
  /** The reply, counted from 0, that is not honest in its content. */
  readonly odd: { readonly at: number; readonly choice: number }
  /** The one that is sent in another way. */
  readonly sent: { readonly at: number; readonly way: Way }
}

const actPattern = /^\/v[\d.]+\/containers\/([^/]+)\/(\w+)/
const flood = 'x'.repeat(64 * 1024)

/** A server at the socket of a Docker engine that answers as its script says. */
export class HostileEngine {
  /** `ID/stop`, as they came. */
  readonly acts: string[] = []
  /** Whether all that was sent were answers; undefined where that is a matter of taste. */
  isUnderstood: boolean | undefined = true
  readonly #trial: Trial
  readonly #script: EngineScript
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #count = 0
  #state = 'running'

  constructor(trial: Trial, script: EngineScript) {
    this.#trial = trial
    this.#script = script
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(path: string): Promise<void> {
    this.#server.listen(path)
    await once(this.#server, 'listening')
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).once('close', () => this.#sockets.delete(socket))
    let asked = ''
    socket.on('data', (chunk) => {
      asked += chunk.toString('latin1')
      const [, path] = /^\S+ (\S+) [^]*\r\n\r\n$/.exec(asked) ?? []
      if (path === undefined) return
      asked = ''
      void this.#reply(socket, path)
    })
  }

  async #reply(socket: Socket, path: string): Promise<void> {
    const { odd, sent } = this.#script
    const at = this.#count++
    const isOdd = odd.at === at
    const [, id, action] = actPattern.exec(path) ?? []
    if (id !== undefined) this.acts.push(`${id}/${action}`)
    const reply = isOdd ? oddReply(path, odd.choice) : this.#honest(path, action)
    const body = this.#trial.plant(reply.body)
    const { pieces, ending, isAnswer } = ways[sent.at === at ? sent.way : 'whole']({
      ...reply,
      body,
    })
    const isSoAlready = reply.status === 304 && /\/(?:start|stop)$/.test(path)
    if ((isOdd && !isSoAlready) || isAnswer === false) this.isUnderstood = false
    else if ((isOdd || isAnswer === undefined) && this.isUnderstood) this.isUnderstood = undefined
    for (const piece of pieces) {
      if (socket.destroyed) return
      socket.write(piece, 'latin1')
      if (pieces.length > 1) await turn()
    }
    if (ending === 'close') socket.end()
    if (ending === 'flood') await sendFlood(socket)
  }

  #honest(path: string, action: string | undefined) {
    if (action !== undefined) {
      if (action === 'stop') this.#state = this.#script.stopped
      return { status: 204, body: '' }
    }
    if (path === '/version') return { status: 200, body: '{"ApiVersion":"1.41"}' }
    const body = lists[this.#script.list].text.replaceAll('"running"', JSON.stringify(this.#state))
    return { status: 200, body }
  }
}

async function sendFlood(socket: Socket): Promise<void> {
  while (!socket.destroyed) {
    const goesOn = socket.write(`${flood.length.toString(16)}\r\n${flood}\r\n`, 'latin1')
    await (goesOn ? turn() : Promise.race([once(socket, 'drain'), once(socket, 'close')]))
  }
}

/** Questions may be answered by nonsense, too. */
function oddReply(path: string, choice: number) {
  const isAct = actPattern.test(path)
  const asks = isAct ? [{ status: 200, body: '' }] : nonsense.map((body) => ({ status: 200, body }))
  const all = [...strange, ...asks]
  return all[choice % all.length] ?? { status: 500, body: '' }
}
