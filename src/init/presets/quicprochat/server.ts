import { join } from 'node:path'
import { z } from 'zod'
import type { Host } from '../../host.ts'
import type { ConsumerDraft, Finding, MaterialDraft } from '../../preset.ts'
import { assumedUnit, findRunners, type Runner, runnerOf } from '../../runner.ts'
import { readToml } from '../../structured-file.ts'

export const unitName = 'qpc-server.service'
const program = /qpc-server|quicprochat/
export const packageData = '/var/lib/quicprochat'
export const configName = 'qpc-server.toml'

const tomlSchema = z.object({
  port: z.int().optional(),
  listen: z.string().optional(),
  auth_token: z.string().optional(),
  db_key: z.string().optional(),
  db_path: z.string().optional(),
})

/** What the parts of this preset need to know of the server. */
export interface Server {
  readonly host: Host
  readonly runner: Runner
  readonly runners: readonly Runner[]
  /** The folder of certificates and database. */
  readonly data: string
  /** Its TOML file; undefined where there is none. */
  readonly tomlPath: string | undefined
  readonly toml: z.output<typeof tomlSchema>
}

/** Part of a draft. */
export interface Share {
  readonly found: readonly Finding[]
  readonly unknown: readonly string[]
  readonly materials: readonly MaterialDraft[]
  readonly consumers?: readonly ConsumerDraft[]
}

/** The server, by its unit, its Compose service or its files; undefined when there is none of them. */
export async function findServer(host: Host): Promise<Server | undefined> {
  const runners = await findRunners(host)
  const found = runnerOf(runners, unitName, program)
  const data = dataFolders(found).find((folder) =>
    ['server-cert.der', 'qpc.db', 'opaque_setup.bin'].some((name) =>
      host.stats(join(folder, name)),
    ),
  )
  const tomlPath = tomlPlaces(found, data).find((path) => host.stats(path))
  if (!found && data === undefined && tomlPath === undefined) return undefined
  const { data: toml = {} } = tomlSchema.safeParse(
    tomlPath === undefined ? {} : await readToml(host, tomlPath),
  )
  const runner = found ?? assumedUnit(unitName)
  return { host, runner, runners, data: data ?? packageData, tomlPath, toml }
}

function dataFolders(runner: Runner | undefined): readonly string[] {
  const working = runner?.workingDirectory
  const own = working === undefined ? [] : [join(working, 'data'), working]
  return [...own, runner?.hostPath(packageData) ?? packageData, packageData]
}

function tomlPlaces(runner: Runner | undefined, data: string | undefined): readonly string[] {
  const given = optionOf(runner?.command ?? [], '--config')
  const folders = [data, runner?.workingDirectory, '/etc/quicprochat'].filter(
    (one) => one !== undefined,
  )
  const usual = folders.map((folder) => join(folder, configName))
  return given?.startsWith('/') ? [given, ...usual] : usual
}

/** `--name value` or `--name=value`. */
export function optionOf(command: readonly string[], name: string): string | undefined {
  const at = command.findIndex((word) => word === name || word.startsWith(`${name}=`))
  if (at < 0) return undefined
  return command[at] === name ? command[at + 1] : command[at]?.slice(name.length + 1)
}
