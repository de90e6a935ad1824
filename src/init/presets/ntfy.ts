import { join } from 'node:path'
import { z } from 'zod'
import type { Host } from '../host.ts'
import { onlyIf } from '../only-if.ts'
import type { Draft, MaterialDraft, Preset } from '../preset.ts'
import {
  assumedUnit,
  consumerOf,
  envTarget,
  findRunners,
  findVariable,
  plainVariable,
  type Runner,
  runnerOf,
  type Variable,
} from '../runner.ts'
import { readYaml } from '../structured-file.ts'
import { vapidMaterial } from '../vapid-material.ts'
import { flow } from '../yaml-flow.ts'

const unitName = 'ntfy.service'
const configFile = '/etc/ntfy/server.yml'
const parts = { private_key: 'web-push-private-key', public_key: 'web-push-public-key' } as const

const configSchema = z.record(z.string(), z.unknown())

/** ntfy's server: the web push keys, in its server.yml or its environment. */
export const ntfy: Preset = {
  summary: 'ntfy: web push keys',
  looksFor: `${configFile}, ${unitName} or a Compose service of ntfy, with ${parts.public_key} or NTFY_WEB_PUSH_PUBLIC_KEY set`,
  async survey(host) {
    const found = runnerOf(await findRunners(host), unitName, /^ntfy$|\/ntfy(:|$)/)
    const path = await configPath(host, found)
    const { data: config } = configSchema.safeParse(await readYaml(host, path))
    if (!found && !config) return undefined
    return draftOf(host, {
      runner: found ?? assumedUnit(unitName),
      known: found !== undefined,
      path,
      config: config ?? {},
    })
  },
}

async function configPath(host: Host, runner: Runner | undefined): Promise<string> {
  const given = (await plainVariable(host, runner, 'NTFY_CONFIG_FILE')) ?? configFile
  return runner?.hostPath(given) ?? given
}

interface Server {
  readonly runner: Runner
  readonly known: boolean
  readonly path: string
  readonly config: Readonly<Record<string, unknown>>
}

async function draftOf(host: Host, server: Server): Promise<Draft> {
  const { runner, known, path, config } = server
  const places = await Promise.all(
    Object.entries(parts).map(async ([part, option]) => placeOf(host, server, part, option)),
  )
  const complete = places.every((place) => place !== undefined)
  const tokens = ['auth-file', 'auth-tokens'].some((option) => config[option] !== undefined)
  return {
    found: [
      ...onlyIf(known, { what: runner.what, where: runner.where }),
      ...onlyIf(host.stats(path) !== undefined, { what: 'its configuration', where: path }),
      ...onlyIf(complete, { what: 'the web push keys', where: places[0]?.where ?? path }),
    ],
    unknown: [
      ...onlyIf(!known, `how ntfy is run: ${unitName} is assumed, as its package has it`),
      complete ? 'how to see the key that ntfy shows: rotations are not proved' : missing(runner),
      ...onlyIf(
        tokens,
        'how to renew access tokens: they belong to users, `ntfy token add` and `remove` do it',
      ),
    ],
    consumers: [consumerOf(host, 'ntfy', runner, { ready: readyOf(server) })],
    materials: onlyIf(complete, webPushKeys(places.flatMap((place) => place?.line ?? []))),
  }
}

function webPushKeys(targets: readonly string[]): MaterialDraft {
  return vapidMaterial('ntfy-web-push', {
    targets,
    consumers: ['ntfy'],
    verify: 'none # better: [{ vapid: { url: …, pointer: … } }], once ntfy shows it as JSON',
  })
}

function missing({ where }: Runner): string {
  return `the web push keys: they are not set, or in ${where || 'the unit'} itself, which rekeyd does not write; \`ntfy webpush keys\` makes a pair for server.yml`
}

/** The environment wins; in server.yml an option may have underscores, too. */
async function placeOf(host: Host, { runner, path, config }: Server, part: string, option: string) {
  const variable = `NTFY_${option.toUpperCase().replaceAll('-', '_')}`
  const set: Variable | undefined = await findVariable(host, runner, variable)
  if (set)
    return 'inline' in set ? undefined : { line: envTarget(host, set, part), where: set.path }
  const key = [option, option.replaceAll('-', '_')].find((name) => typeof config[name] === 'string')
  if (key === undefined) return undefined
  const target = { path: host.here(path), pointer: join('/', key), part }
  return { line: `  - yaml: ${flow(target)}`, where: path }
}

function readyOf({ runner, config }: Server) {
  const given = config['listen-http']
  const listen = typeof given === 'string' ? given : ':80'
  const port = runner.service?.ports.get(listen.split(':').at(-1) ?? '') ?? listen.split(':').at(-1)
  if (listen === '-' || !/^\d+$/.test(port ?? '')) return []
  return [{ http: { url: `http://127.0.0.1:${port}/v1/health`, contains: 'healthy' } }]
}
