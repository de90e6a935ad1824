import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'

interface FakeContainer {
  readonly Id: string
  readonly Names: readonly string[]
  State: string
  readonly Labels: Readonly<Record<string, string>>
}

/** Answers the few requests that rekeyd sends to a Docker engine, over a unix socket. */
export class FakeDockerEngine {
  readonly containers: FakeContainer[] = []
  /** Requests but for the questions, as `POST /v1.41/containers/ID/stop`. */
  readonly calls: string[] = []
  version: { ApiVersion: string; MinAPIVersion?: string } = {
    ApiVersion: '1.41',
    MinAPIVersion: '1.12',
  }
  /** Answers instead, where it is set. */
  instead: RequestListener | undefined
  readonly folder: string
  readonly #server: Server

  private constructor(folder: string) {
    this.folder = folder
    this.#server = createServer((question, reply) => {
      if (this.instead && question.url !== '/version') return this.instead(question, reply)
      const { status, body } = this.#answer(question.method ?? '', question.url ?? '')
      reply.writeHead(status).end(body === undefined ? '' : JSON.stringify(body))
    })
  }

  static async start(): Promise<FakeDockerEngine> {
    const engine = new FakeDockerEngine(await mkdtemp(join(tmpdir(), 'rekeyd-docker-')))
    engine.#server.listen(engine.socket)
    await once(engine.#server, 'listening')
    return engine
  }

  get socket(): string {
    return join(this.folder, 'docker.sock')
  }

  add(name: string, labels: Readonly<Record<string, string>> = {}): FakeContainer {
    const Id = (this.containers.length + 1).toString(16).padStart(64, 'a')
    const container = { Id, Names: [`/${name}`], State: 'running', Labels: labels }
    this.containers.push(container)
    return container
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()))
    await rm(this.folder, { recursive: true })
  }

  #answer(method: string, url: string): { status: number; body?: unknown } {
    if (url === '/version') return { status: 200, body: this.version }
    const [, spoken = '', path = '', query] = /^\/v([\d.]+)([^?]*)\??(.*)$/.exec(url) ?? []
    if (!this.#speaks(spoken)) return { status: 400 }
    if (path === '/containers/json') {
      const filters = JSON.parse(new URLSearchParams(query).get('filters') ?? '{}')
      return { status: 200, body: this.containers.filter((one) => matches(one, filters)) }
    }
    this.calls.push(`${method} ${url}`)
    const [, , id, action] = path.split('/')
    const container = this.containers.find(({ Id }) => Id === id)
    if (!container) return { status: 404, body: { message: 'No such container' } }
    const awake = container.State !== 'exited'
    if (action === 'kill') return this.#kill(awake, query ?? '')
    if (action === 'start' && container.State === 'paused') return { status: 409 }
    if (action !== 'restart' && awake === (action === 'start')) return { status: 304 }
    container.State = action === 'stop' ? 'exited' : 'running'
    return { status: 204 }
  }

  #kill(awake: boolean, query: string): { status: number } {
    const signal = new URLSearchParams(query).get('signal') ?? 'SIGKILL'
    if (!Object.hasOwn(constants.signals, signal)) return { status: 400 }
    return { status: awake ? 204 : 409 }
  }

  /** Other versions are refused on every path but `/version`. */
  #speaks(spoken: string): boolean {
    const rank = (version: string) => {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      return major * 1000 + minor
    }
    const { ApiVersion, MinAPIVersion = '0.0' } = this.version
    return rank(MinAPIVersion) <= rank(spoken) && rank(spoken) <= rank(ApiVersion)
  }
}

/** As the engine does it: names by a pattern that matches anywhere, with or without the slash. */
function matches({ Names, Labels }: FakeContainer, filters: Record<string, string[]>): boolean {
  const names = filters['name'] ?? []
  const labels = filters['label'] ?? []
  const called = Names.flatMap((name) => [name, name.slice(1)])
  return (
    (names.length === 0 ||
      names.some((name) => called.some((one) => new RegExp(name).test(one)))) &&
    labels.every((label) => {
      const [key = '', value] = label.split('=')
      return Labels[key] === value
    })
  )
}
