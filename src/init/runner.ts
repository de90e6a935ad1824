import { basename } from 'node:path'
import { findServices, type Service } from './compose-services.ts'
import { projectFolders } from './docker-projects.ts'
import { type DialectName, type EnvironmentFile, readEnvironmentFile } from './environment-file.ts'
import type { Host } from './host.ts'
import { onlyIf } from './only-if.ts'
import type { ConsumerDraft } from './preset.ts'
import { findUnits, type Unit } from './systemd-units.ts'
import { type Flow, flow } from './yaml-flow.ts'

/** A service of the host, whichever way it is run. */
export interface Runner {
  /** `qpc-server.service`, or `server of /srv/chat` */
  readonly what: string
  /** Its unit file, or the folder of its Compose project. */
  readonly where: string
  /** Whom it runs as; undefined for root, or for a container. */
  readonly user: string | undefined
  readonly command: readonly string[]
  readonly workingDirectory: string | undefined
  readonly unit?: Unit
  readonly service?: Service
  /** What is set in the unit or Compose file itself. */
  readonly environment: ReadonlyMap<string, string | undefined>
  readonly environmentFiles: readonly { readonly path: string; readonly dialect: DialectName }[]
  /** Where on the host something lies that it calls `path`; undefined inside a container alone. */
  hostPath(path: string): string | undefined
}

/** Every service that units or Compose projects describe. */
export async function findRunners(host: Host): Promise<readonly Runner[]> {
  const services = await findServices(host, await projectFolders(host))
  return [...[...findUnits(host).values()].map(ofUnit), ...services.map(ofService)]
}

function ofUnit(unit: Unit): Runner {
  return {
    what: unit.name,
    where: unit.path,
    user: unit.user,
    command: unit.command,
    workingDirectory: unit.workingDirectory,
    unit,
    environment: unit.environment,
    environmentFiles: unit.environmentFiles.map((path) => ({ path, dialect: 'systemd' })),
    hostPath: (path) => path,
  }
}

function ofService(service: Service): Runner {
  return {
    what: `${service.name} of ${service.folder}`,
    where: service.folder,
    user: undefined,
    command: [],
    workingDirectory: undefined,
    service,
    environment: service.environment,
    environmentFiles: service.environmentFiles.map((path) => ({ path, dialect: 'compose' })),
    hostPath: (path) => mounted(service, path),
  }
}

function mounted({ mounts }: Service, path: string): string | undefined {
  for (const [to, from] of mounts) {
    if (path === to || path.startsWith(`${to.replace(/\/$/, '')}/`))
      return from + path.slice(to.length)
  }
  return undefined
}

/** The one whose unit has this name or whose program or image is called so. */
export function runnerOf(
  runners: readonly Runner[],
  unitName: string,
  program: RegExp,
): Runner | undefined {
  const byName = runners.find(({ unit }) => unit?.name === unitName)
  const byProgram = runners.find(({ command: [first = ''] }) => program.test(basename(first)))
  return byName ?? byProgram ?? runners.find(({ service }) => program.test(service?.image ?? ''))
}

/** Where a variable that a service reads is set. */
export type Variable =
  | {
      readonly path: string
      readonly key: string
      readonly dialect: DialectName
      readonly digest: string
      readonly shown: string | undefined
    }
  /** In the unit or Compose file itself, where rekeyd does not write. */
  | { readonly inline: string }

/** By the rules of who runs it: systemd lets files win over the unit, Compose the other way round. */
export async function findVariable(
  host: Host,
  runner: Runner,
  name: string,
  show = false,
): Promise<Variable | undefined> {
  const inline = await inlineVariable(host, runner, name, show)
  if (inline && runner.service) return inline
  for (const { path, dialect } of runner.environmentFiles.toReversed()) {
    const file = await readEnvironmentFile(host, path, dialect, show ? [name] : [])
    const found = file && variableIn(file, name)
    if (found) return found
  }
  return inline
}

async function inlineVariable(
  host: Host,
  { environment, service }: Runner,
  name: string,
  show: boolean,
): Promise<Variable | undefined> {
  const value = environment.get(name)
  const key = service && environment.has(name) ? referredTo(value ?? `$${name}`) : undefined
  if (key === undefined || service?.dotenv === undefined)
    return value ? { inline: value } : undefined
  const file = await readEnvironmentFile(host, service.dotenv, 'compose', show ? [key] : [])
  return file && variableIn(file, key)
}

/** `${NAME}`, `${NAME:-default}` or `$NAME` is filled in from the project's `.env`. */
function referredTo(value: string): string | undefined {
  return /^\$\{?(\w+)[^}]*\}?$/.exec(value)?.[1]
}

function variableIn({ path, dialect, set, shown }: EnvironmentFile, key: string) {
  const digest = set.get(key)
  return digest === undefined ? undefined : { path, key, dialect, digest, shown: shown.get(key) }
}

/** The value of a variable that is no secret. */
export async function plainVariable(host: Host, runner: Runner | undefined, name: string) {
  const found = runner && (await findVariable(host, runner, name, true))
  return found && ('inline' in found ? found.inline : found.shown)
}

/** A target for a variable that was found in a file. */
export function envTarget(
  host: Host,
  { path, key, dialect }: Exclude<Variable, { inline: string }>,
  part?: string,
): string {
  const target = { path: host.here(path), key, ...(part !== undefined && { part }), dialect }
  return `  - env: ${flow(target)}`
}

/**
 * A service as a consumer: a container is made anew, because its environment is fixed when it is made.
 * @param ready checks beside that of its unit
 */
export function consumerOf(
  host: Host,
  name: string,
  runner: Runner,
  { apply, ready = [] }: { readonly apply?: string; readonly ready?: readonly Flow[] } = {},
): ConsumerDraft {
  const { unit, service } = runner
  const checks = [...(unit ? [{ systemd: { unit: unit.name } }] : []), ...ready]
  return {
    name,
    lines: [
      reachLine(host, runner),
      `apply: ${apply ?? (service ? 'recreate' : 'restart')}`,
      ...onlyIf(checks.length > 0, `ready: ${flow(checks)}`),
    ],
  }
}

function reachLine(host: Host, { what, unit, service }: Runner): string {
  if (!service) return `systemd: ${flow(unit?.name ?? what)}`
  const compose = { project_dir: host.here(service.folder), service: service.name }
  return `docker: ${flow({ compose })}`
}

/** A unit that was looked for and not found: named all the same, so that rekeyd refuses before it touches anything. */
export function assumedUnit(name: string): Runner {
  return ofUnit({
    name,
    path: '',
    dropIns: [],
    user: undefined,
    command: [],
    workingDirectory: undefined,
    environmentFiles: [],
    environment: new Map(),
    credentials: [],
    reloads: false,
  })
}
