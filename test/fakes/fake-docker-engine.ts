import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { tmpdir } from 'node:os'
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
  version: unknown = { ApiVersion: '1.41', MinAPIVersion: '1.12' }
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
    const [path = '', query] = url.replace(/^\/v[\d.]+/, '').split('?')
    if (path === '/containers/json') {
      const filters = JSON.parse(new URLSearchParams(query).get('filters') ?? '{}')
      return { status: 200, body: this.containers.filter((one) => matches(one, filters)) }
    }
    this.calls.push(`${method} ${url}`)
    const [, , id, action] = path.split('/')
    const container = this.containers.find(({ Id }) => Id === id)
    if (!container) return { status: 404, body: { message: 'No such container' } }
    if (action === 'kill') return { status: container.State === 'running' ? 204 : 409 }
    const state = action === 'stop' ? 'exited' : 'running'
    if (action !== 'restart' && container.State === state) return { status: 304 }
    container.State = state
    return { status: 204 }
  }
}

/** As the engine does it: names by a pattern that matches anywhere, with or without the slash. */
function matches({ Names, Labels }: FakeContainer, filters: Record<string, string[]>): boolean {
  const names = filters['name'] ?? []
  const labels = filters['label'] ?? []
  return (
    (names.length === 0 || names.some((name) => Names.some((one) => new RegExp(name).test(one)))) &&
    labels.every((label) => {
      const [key = '', value] = label.split('=')
      return Labels[key] === value
    })
  )
}
