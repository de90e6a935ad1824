import type { Catalogs } from './catalogs.ts'
import type {
  Config,
  ConsumerConfig,
  HttpConfig,
  MaterialConfig,
  NoticesConfig,
  WindowConfig,
} from './config.ts'
import { databaseKeyNames } from './database-key-names.ts'
import type { ParsedMaterial } from './material-schema.ts'
import type { ParsedNotices } from './notices-schema.ts'
import type { ParsedConfig } from './schema.ts'

/** The word that takes a material out of the default window. */
export const noWindow = 'none'

/**
 * Applies defaults and puts definitions in the place of names. A name that is not defined is dropped:
 * `nameProblems` reports it.
 */
export function resolve(path: string, parsed: ParsedConfig, { kinds }: Catalogs): Config {
  const windows = Object.entries(parsed.windows).map(([name, window]) => ({ name, ...window }))
  return {
    path,
    mode: parsed.mode,
    stateDir: parsed.state_dir,
    storeKey: parsed.store_key,
    socket: parsed.admin.socket,
    ...(parsed.admin.http && { http: resolveHttp(parsed.admin.http) }),
    metrics: parsed.metrics.listen,
    ...(parsed.public && { public: parsed.public.listen }),
    ...(parsed.public?.webhook && { publicWebhook: parsed.public.webhook }),
    recipients: parsed.recovery?.recipients ?? [],
    ...(parsed.backup && { backup: { to: parsed.backup.to, keep: parsed.backup.keep } }),
    ...(parsed.notices && { notices: resolveNotices(parsed.notices) }),
    windows,
    consumers: Object.entries(parsed.consumers).map(([name, consumer]) =>
      resolveConsumer(name, consumer),
    ),
    materials: Object.entries(parsed.materials).map(([name, material]) => {
      const remade = kinds[material.kind.type]?.neverCreate !== true
      return resolveMaterial(name, material, parsed, windows, remade)
    }),
  }
}

function resolveNotices(parsed: ParsedNotices): NoticesConfig {
  const { heartbeat, before, on_success: onSuccess, ...channels } = parsed
  return {
    channels: Object.entries(channels).map(([type, options]) => ({ type, options })),
    ...(heartbeat && { heartbeat }),
    ...(before !== 'never' && { before }),
    onSuccess,
  }
}

function resolveHttp(parsed: NonNullable<ParsedConfig['admin']['http']>): HttpConfig {
  const { listen, tokens, hosts, tls } = parsed
  return { ...listen, tokens, hosts, ...(tls && { tls }) }
}

function resolveConsumer(name: string, parsed: ParsedConfig['consumers'][string]): ConsumerConfig {
  const { reach, apply, ready, timeouts, dwell, max_restarts: maxRestarts } = parsed
  return { name, reach, apply, ready, timeouts, dwell, maxRestarts }
}

function resolveMaterial(
  name: string,
  material: ParsedMaterial,
  { defaults, consumers, materials }: ParsedConfig,
  windows: readonly WindowConfig[],
  mayCreateByDefault: boolean,
): MaterialConfig {
  const window = windows.find((window) => window.name === (material.window ?? defaults.window))
  const read = material.consumers ?? consumersOfDatabase(material, materials)
  return {
    name,
    kind: material.kind,
    schedule: material.rotate,
    targets: material.targets,
    consumers: read.filter((consumer) => Object.hasOwn(consumers, consumer)),
    verify: material.verify ?? [],
    ...(window && { window }),
    overlap: material.overlap ?? 0,
    keep: material.keep ?? defaults.keep,
    announce: material.announce ?? 0,
    approval: material.approval === 'required',
    onMissing: material.on_missing ?? (mayCreateByDefault ? defaults.on_missing : 'refuse'),
    contains: material.contains,
    public: material.public,
    ...impactOf(material),
  }
}

function impactOf({ impact }: ParsedMaterial): Pick<MaterialConfig, 'impact' | 'impactCount'> {
  if (impact === undefined) return {}
  return typeof impact === 'string' ? { impact } : { impact: impact.says, impactCount: impact }
}

/** Who reads a row of a database reads the database. */
function consumersOfDatabase(
  material: ParsedMaterial,
  materials: Readonly<Record<string, ParsedMaterial>>,
): readonly string[] {
  const keys = databaseKeyNames(material)
    // Where clients are counted, nothing of the material lies.
    .filter(({ path }) => path[0] !== 'impact')
    .map(({ name }) => name)
  const owner = keys.find((name) => Object.hasOwn(materials, name))
  return (owner === undefined ? undefined : materials[owner]?.consumers) ?? []
}
