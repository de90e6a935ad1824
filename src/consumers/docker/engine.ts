import { request } from 'node:http'
import { z } from 'zod'
import { exchange } from '../../support/http-exchange.ts'
import { hasCode, OperatorError } from '../../support/operator-error.ts'

/** The newest version of the Engine API whose requests this file knows; nothing here changed since 1.24. */
const known = '1.47'
/** A list of containers with their labels, on a host with thousands of them. */
const longestReply = 8 * 1024 * 1024
/** For questions, in milliseconds. */
const patience = 10_000
/** Stopping waits for the container's own stop timeout; the consumer's `timeouts` end it sooner. */
const longest = 15 * 60_000

export interface Container {
  readonly id: string
  /** Without the leading slash. */
  readonly name: string
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`. */
  readonly state: string
  readonly labels: Readonly<Record<string, string>>
  /** Paths of this host that are mounted into it. */
  readonly mounted: readonly string[]
}

const apiVersion = z.string().regex(/^\d{1,3}\.\d{1,3}$/)
const versionReply = z.object({ ApiVersion: apiVersion, MinAPIVersion: apiVersion.optional() })
/** A name, or `/container/alias` for a link to it. */
const containerName = z.string().regex(/^(?:\/[A-Za-z0-9_.-]{1,255})+$/)
const listReply = z.array(
  z.object({
    Id: z.string().regex(/^[0-9a-f]{12,64}$/),
    Names: z.array(containerName).nullish(),
    State: z.string(),
    Labels: z.record(z.string(), z.string()).nullish(),
    Mounts: z.array(z.object({ Source: z.string().optional() })).nullish(),
  }),
)

/**
 * The part of the Docker Engine API that rekeyd needs, over the engine's unix socket. Containers are
 * found by listing, never by inspecting: the answer to an inspection holds the environment, and it
 * takes the beginning of an id for a name.
 */
export class DockerEngine {
  readonly #socket: string

  constructor(socket: string) {
    this.#socket = socket
  }

  /** Every container, running or not, that the engine's filters let through. */
  async containers(
    filters: Readonly<Record<string, readonly string[]>>,
    signal: AbortSignal,
  ): Promise<readonly Container[]> {
    const query = new URLSearchParams({ all: '1', filters: JSON.stringify(filters) })
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    const { status, body } = await this.#ask('GET', `/containers/json?${query.toString()}`, limit)
    if (status !== 200) throw this.#unexpected(`answered ${status} to the list of containers`)
    const listed = this.#parse(body, listReply)
    if (new Set(listed.map(({ Id }) => Id)).size < listed.length) {
      throw this.#unexpected('lists one container twice')
    }
    return listed.map(({ Id, Names, State, Labels, Mounts }) => ({
      id: Id,
      name: (Names ?? []).find((name) => !name.includes('/', 1))?.slice(1) ?? Id,
      state: State,
      labels: Labels ?? {},
      mounted: (Mounts ?? []).flatMap(({ Source }) => Source ?? []),
    }))
  }

  /**
   * Returns when it is done; a container that is already as it shall be is success.
   * @param action `stop`, `start`, `restart` or `kill?signal=…`
   */
  async act(container: Container, action: string, signal: AbortSignal): Promise<void> {
    const [verb = action] = action.split('?')
    const limit = AbortSignal.any([signal, AbortSignal.timeout(longest)])
    const path = `/containers/${container.id}/${action}`
    const { status } = await this.#ask('POST', path, limit).catch((error: unknown) => {
      throw isTimeout(limit.reason) ? tooLate(container, verb) : error
    })
    const isSoAlready = status === 304 && (verb === 'start' || verb === 'stop')
    if (status === 204 || isSoAlready) return
    const why = {
      403: 'it is not permitted',
      404: 'it is gone',
      409: 'its state does not allow it',
    }
    throw new OperatorError(
      `Docker could not ${verb} container ${container.name}: ${why[status as 404] ?? `status ${status}`}`,
      { hint: `see docker logs ${container.name}` },
    )
  }

  /** Asks in the newest version of the API that both sides know. */
  async #ask(method: 'GET' | 'POST', path: string, signal: AbortSignal) {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)])
    const { status, body } = await this.#send('GET', '/version', limit)
    if (status !== 200) throw this.#unexpected(`answered ${status} to /version`)
    const { ApiVersion, MinAPIVersion = '1.24' } = this.#parse(body, versionReply)
    if (isNewer(MinAPIVersion, known)) {
      throw this.#unexpected(`wants version ${MinAPIVersion} of its API, rekeyd speaks ${known}`)
    }
    const version = isNewer(ApiVersion, known) ? known : ApiVersion
    return this.#send(method, `/v${version}${path}`, signal)
  }

  async #send(method: string, path: string, signal: AbortSignal) {
    try {
      const socketPath = this.#socket
      const headers = { host: 'docker' }
      const question = request({ socketPath, method, path, signal, headers, agent: false })
      return await exchange(question, longestReply, () =>
        this.#unexpected('gave an answer that is too long'),
      )
    } catch (error) {
      throw this.#unreachable(error)
    }
  }

  #parse<T>(body: Buffer, schema: z.ZodType<T>): T {
    try {
      return schema.parse(JSON.parse(body.toString('utf8')))
    } catch {
      throw this.#unexpected('gave an answer that cannot be understood')
    }
  }

  #unexpected(what: string): OperatorError {
    return new OperatorError(`the Docker engine at ${this.#socket} ${what}`, {
      hint: 'check that the socket is that of a Docker engine, or of a proxy that lets this through',
    })
  }

  #unreachable(error: unknown): unknown {
    if (error instanceof OperatorError) return error
    if (hasCode(error, 'EACCES', 'EPERM')) {
      return new OperatorError(`the Docker socket ${this.#socket} may not be used: not permitted`, {
        kind: 'refused',
        hint: "add rekeyd's user to the group that owns the socket, which makes it root on this host",
      })
    }
    if (error instanceof Error && error.name === 'AbortError') {
      return isTimeout(error.cause) ? this.#unexpected('did not answer in time') : error.cause
    }
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    return new OperatorError(`the Docker engine at ${this.#socket} cannot be reached${code}`, {
      hint: 'check that it runs, and `socket`',
    })
  }
}

/** The engine answers only when it is done, so it is the container that is slow. */
function tooLate({ name }: Container, verb: string): OperatorError {
  return new OperatorError(`container ${name} did not ${verb} in time`, {
    hint: `raise \`timeouts\` of the consumer, or see docker logs ${name}`,
  })
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}

/** Compares `1.9` and `1.41` as versions. */
function isNewer(a: string, b: string): boolean {
  const [[majorA = 0, minorA = 0], [majorB = 0, minorB = 0]] = [a, b].map((version) =>
    version.split('.').map(Number),
  ) as [number[], number[]]
  return majorA !== majorB ? majorA > majorB : minorA > minorB
}
