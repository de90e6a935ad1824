import { homedir } from 'node:os'
import { OperatorError } from '../../support/operator-error.ts'
import { runCommand } from '../../support/run-command.ts'
import { isSamePath } from '../../support/same-path.ts'
import type { Container } from './engine.ts'

/** Pulling an image may take long; the consumer's `timeouts` end it sooner. */
const longest = 15 * 60_000

/** Compose as a plug-in of docker, then the separate program of version 1. */
const places = [
  ['/usr/bin/docker', 'compose'],
  ['/usr/local/bin/docker', 'compose'],
  ['/usr/bin/docker-compose'],
  ['/usr/local/bin/docker-compose'],
] as const

export interface ComposeOptions {
  readonly project_dir: string
  readonly service: string
  readonly project?: string | undefined
  readonly file?: string | undefined
  readonly command?: readonly string[] | undefined
}

/** The engine's filters for the containers of a service, without those of `compose run`. */
export function serviceFilters({ service, project }: ComposeOptions) {
  const labels = [`service=${service}`, 'oneoff=False']
  if (project !== undefined) labels.push(`project=${project}`)
  return { label: labels.map((label) => `com.docker.compose.${label}`) }
}

/** Whether a container is of this project and not of one with a service of the same name. */
export function belongsTo({ labels }: Container, options: ComposeOptions): boolean {
  if (labels['com.docker.compose.service'] !== options.service) return false
  if (options.project !== undefined) return labels['com.docker.compose.project'] === options.project
  const folder = labels['com.docker.compose.project.working_dir']
  return folder !== undefined && isSamePath(folder, options.project_dir)
}

/**
 * `compose up -d --no-deps SERVICE`: starts the service, and makes its container anew where the
 * configuration or an environment file changed. A restart would keep the old environment.
 */
export async function composeUp(
  options: ComposeOptions,
  socket: string,
  signal: AbortSignal,
): Promise<void> {
  const { service } = options
  const failure = `compose could not bring up ${service}`
  await compose(options, ['up', '-d', '--no-deps', service], socket, signal, failure)
}

/** @throws OperatorError unless Compose is there and understands the project */
export async function composeCheck(
  options: ComposeOptions,
  socket: string,
  signal: AbortSignal,
): Promise<void> {
  const failure = `compose does not understand the project in ${options.project_dir}`
  await compose(options, ['config', '--quiet'], socket, signal, failure)
}

/** Its output may quote the project's secrets, so an error says how to see it instead. */
async function compose(
  options: ComposeOptions,
  args: readonly string[],
  socket: string,
  signal: AbortSignal,
  failure: string,
): Promise<void> {
  const { project_dir, project, file } = options
  const argv = [
    ...(await findCompose(options, signal)),
    ...(project === undefined ? [] : ['-p', project]),
    ...(file === undefined ? [] : ['-f', file]),
    ...args,
  ]
  const environment = composeEnvironment(socket)
  const request = { argv, environment, directory: project_dir, signal, timeout: longest }
  const { exit, timedOut } = await runCommand(request)
  if (exit === 0 && !timedOut) return
  throw new OperatorError(failure, { hint: `run \`${argv.join(' ')}\` in ${project_dir}` })
}

/**
 * The program and arguments that run Compose here.
 * @throws OperatorError when there is none
 */
export async function findCompose(
  { command }: ComposeOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (command) return command
  for (const place of places) {
    const argv = [...place, 'version']
    const environment = composeEnvironment()
    const answer = await runCommand({ argv, environment, signal, timeout: 10_000 }).catch(() => {
      signal.throwIfAborted()
    })
    if (answer?.exit === 0) return place
  }
  throw new OperatorError('there is neither `docker compose` nor `docker-compose` on this host', {
    hint: 'install the Compose plug-in, or name the program by `command: [/path/to/compose]`',
  })
}

/** What Compose needs besides the project: programs it calls, docker's own settings, and the engine. */
function composeEnvironment(socket?: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir(),
    ...(socket === undefined ? {} : { DOCKER_HOST: `unix://${socket}` }),
  }
}
