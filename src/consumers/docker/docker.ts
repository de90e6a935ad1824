import { z } from 'zod'
import { argvOption } from '../../support/argv-option.ts'
import { OperatorError } from '../../support/operator-error.ts'
import type { Consumer, ConsumerType, Uptake, Verb } from '../consumer.ts'
import { readsAgain, startsAnew } from '../picks-up.ts'
import { signalOption } from '../signal-option.ts'
import { belongsTo, composeCheck, composeUp, serviceFilters } from './compose.ts'
import { type Container, DockerEngine } from './engine.ts'
import { examineContainers } from './examination.ts'

const path = z.string().startsWith('/')
const composeName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/)

const dockerOptions = z
  .strictObject({
    container: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/)
      .optional()
      .describe('Exact name of the container.'),
    compose: z
      .strictObject({
        project_dir: path.describe('Folder of the compose file.'),
        service: composeName.describe('Name of the service.'),
        project: composeName
          .optional()
          .describe('Name of the project, where it is not that of the folder.'),
        file: path.optional().describe('The compose file, where it has no usual name.'),
        command: argvOption
          .optional()
          .describe('Program that is Compose; `docker compose` or `docker-compose` by default.'),
      })
      .optional()
      .describe('A service of a compose project, in place of a container.'),
    socket: path.default('/var/run/docker.sock').describe('Socket of the Docker engine.'),
    // https://github.com/moby/moby/issues/41302 and #11065
    signal: signalOption
      .default('SIGHUP')
      .describe(
        'Signal that the verb `signal` sends. Docker then forgets the restart policy until the next start.',
      ),
  })
  .refine(
    ({ container, compose }) => (container === undefined) !== (compose === undefined),
    'needs either `container` or `compose`',
  )
type DockerOptions = z.infer<typeof dockerOptions>

/** A container, or the containers of a compose service, reached by the Docker Engine API. */
export const docker: ConsumerType<DockerOptions> = {
  schema: dockerOptions,
  create: (options) => new DockerConsumer(options),
}

class DockerConsumer implements Consumer {
  readonly canStop = true
  readonly #options: DockerOptions
  readonly #engine: DockerEngine

  constructor(options: DockerOptions) {
    this.#options = options
    this.#engine = new DockerEngine(options.socket)
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#containers(signal)
    const { compose, socket } = this.#options
    if (compose) await composeCheck(compose, socket, signal)
  }

  async stop(signal: AbortSignal): Promise<void> {
    await this.#each('stop', signal)
    const awake = (await this.#containers(signal)).find(({ state }) => !isAsleep(state))
    if (!awake) return
    throw new OperatorError(`container ${awake.name} is not stopped, or runs again right after`, {
      hint: `see docker ps -a for its state, and docker events for what starts it`,
    })
  }

  /** By compose where there is one, so that a changed environment counts. */
  start(signal: AbortSignal): Promise<void> {
    const { compose, socket } = this.#options
    return compose ? composeUp(compose, socket, signal) : this.#each('start', signal)
  }

  async apply(verb: Verb, signal: AbortSignal): Promise<void> {
    const { compose, socket, signal: name } = this.#options
    switch (verb) {
      case 'none':
        return
      case 'signal':
        return this.#each(`kill?signal=${name}`, signal)
      case 'reload':
        throw new OperatorError('a container has no reload of its own', {
          kind: 'config',
          hint: 'use `apply: signal` and name the signal',
        })
      case 'restart':
        return this.#each('restart', signal)
      case 'recreate':
        if (compose) return composeUp(compose, socket, signal)
        throw new OperatorError('only the service of a compose project can be recreated', {
          kind: 'config',
          hint: 'use `compose: { project_dir: …, service: … }` in place of `container`',
        })
      case 'stop-start':
        await this.stop(signal)
        return this.start(signal)
    }
  }

  /** A container's environment is fixed when it is made: only compose makes it anew. */
  picksUp: Consumer['picksUp'] = (verb, place) => {
    const composed = this.#options.compose !== undefined
    if (verb === 'reload' || (verb === 'recreate' && !composed)) return false
    if (place.reads === 'environment') return composed && startsAnew(verb) && verb !== 'restart'
    return startsAnew(verb) || readsAgain(verb, place)
  }

  async examine(uptake: Uptake, signal: AbortSignal) {
    const containers = await this.#containers(signal)
    return examineContainers(containers, this.#options.compose, uptake)
  }

  async #each(action: string, signal: AbortSignal): Promise<void> {
    for (const container of await this.#containers(signal)) {
      await this.#engine.act(container, action, signal)
    }
  }

  /** @throws OperatorError when there is none: neither stopped nor started would be true of it */
  async #containers(signal: AbortSignal): Promise<readonly Container[]> {
    const { container, compose } = this.#options
    // Names are filtered by a pattern that matches anywhere, so each answer is compared, too.
    const filters = compose ? serviceFilters(compose) : { name: [`^/${container}$`] }
    const listed = await this.#engine.containers(filters, signal)
    const ours = listed.filter((one) =>
      compose ? belongsTo(one, compose) : one.name === container,
    )
    // A name is there once: an answer with two of them is not understood.
    if (ours.length === 1 || (compose && ours.length > 0)) return ours
    if (ours.length > 1) {
      throw new OperatorError(`the Docker engine lists two containers of the name ${container}`)
    }
    const what = compose ? `service ${compose.service} of ${compose.project_dir}` : container
    throw new OperatorError(`there is no container ${compose ? 'of ' : ''}${what}`, {
      kind: 'config',
      hint: compose ? 'bring it up once by hand' : 'see docker ps -a for its exact name',
    })
  }
}

/** Of Docker and Podman. A state that nobody knows may be one in which it runs. */
function isAsleep(state: string): boolean {
  return /^(?:created|exited|dead|removing|configured|initialized|stopped)$/.test(state)
}
