import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { Host } from './host.ts'
import { readYaml } from './structured-file.ts'

const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
/** Folders that people keep their projects in, one folder for each. */
const shelves = ['/srv', '/opt', '/opt/stacks', '/etc/docker/compose', '/home', '/root']

const text = z.union([z.string(), z.number(), z.boolean(), z.null()])
const envFile = z.union([z.string(), z.object({ path: z.string() }).transform(({ path }) => path)])
const serviceSchema = z.object({
  image: z.string().optional(),
  env_file: z.union([envFile, z.array(envFile)]).optional(),
  environment: z.union([z.record(z.string(), text), z.array(z.string())]).optional(),
  volumes: z.array(z.unknown()).optional(),
  ports: z.array(z.unknown()).optional(),
})
const composeSchema = z.object({ services: z.record(z.string(), z.unknown()) })

/** A service of a Compose project, as its file says. */
export interface Service {
  /** Folder of the project. */
  readonly folder: string
  readonly name: string
  readonly image: string
  /** Files of `env_file`. */
  readonly environmentFiles: readonly string[]
  /** The project's `.env`, which fills in `${…}`; undefined where there is none. */
  readonly dotenv: string | undefined
  /** What `environment` sets; undefined for what it takes from elsewhere. */
  readonly environment: ReadonlyMap<string, string | undefined>
  /** Where what is mounted comes from on the host, by the path in the container. */
  readonly mounts: ReadonlyMap<string, string>
  /** Ports of the host by those of the container. */
  readonly ports: ReadonlyMap<string, string>
}

/**
 * The services of every Compose project found.
 * @param folders more places to look at, such as those the Docker engine knows
 */
export async function findServices(
  host: Host,
  folders: readonly string[] = [],
): Promise<readonly Service[]> {
  const shelved = shelves.flatMap((shelf) => host.names(shelf).map((name) => join(shelf, name)))
  const places = [...new Set([...folders, ...shelves, ...shelved])]
  const services: Service[] = []
  for (const folder of places) {
    const file = fileNames.map((name) => join(folder, name)).find((path) => host.stats(path))
    if (file === undefined) continue
    const { data } = composeSchema.safeParse(await readYaml(host, file))
    for (const [name, content] of Object.entries(data?.services ?? {})) {
      const parsed = serviceSchema.safeParse(content)
      if (parsed.success) services.push(serviceOf(host, folder, name, parsed.data))
    }
  }
  return services
}

function serviceOf(
  host: Host,
  folder: string,
  name: string,
  parsed: z.output<typeof serviceSchema>,
): Service {
  const dotenv = join(folder, '.env')
  return {
    folder,
    name,
    image: parsed.image ?? '',
    environmentFiles: [parsed.env_file ?? []].flat().map((path) => resolve(folder, path)),
    dotenv: host.stats(dotenv) ? dotenv : undefined,
    environment: environmentOf(parsed.environment ?? {}),
    mounts: new Map(colonPairs(parsed.volumes).map(([from, to]) => [to, resolve(folder, from)])),
    ports: new Map(colonPairs(parsed.ports).map(([from, to]) => [to, from])),
  }
}

function environmentOf(
  given: NonNullable<z.output<typeof serviceSchema>['environment']>,
): ReadonlyMap<string, string | undefined> {
  const entries = Array.isArray(given)
    ? given.map((line) => {
        const [name = '', ...value] = line.split('=')
        return [name, value.length === 0 ? undefined : value.join('=')] as const
      })
    : Object.entries(given).map(([name, value]) => [name, asText(value)] as const)
  return new Map(entries)
}

function asText(value: string | number | boolean | null): string | undefined {
  return value === null ? undefined : String(value)
}

/** `./data:/data:ro` and `127.0.0.1:80:8080` in their short forms: what is here, and what it is there. */
function colonPairs(list: readonly unknown[] = []): readonly (readonly [string, string])[] {
  return list.flatMap((entry) => {
    const parts = String(entry)
      .replace(/:(ro|rw|z|Z)$|\/(tcp|udp)$/, '')
      .split(':')
    const [from, to] = parts.slice(-2)
    return typeof entry === 'string' && from && to ? [[from, to] as const] : []
  })
}
