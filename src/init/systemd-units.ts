import { join } from 'node:path'
import type { Host } from './host.ts'
import { type Directive, parseUnitFile, valuesOf, wordsOf } from './unit-file.ts'

/** Where units lie; an earlier one of the same name hides a later one (systemd.unit(5)). */
const folders = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]

/** A service unit with its drop-ins, as its files say; what systemd has loaded may be older. */
export interface Unit {
  /** `qpc-server.service` */
  readonly name: string
  readonly path: string
  readonly dropIns: readonly string[]
  readonly user: string | undefined
  /** The words of the last ExecStart=, prefixes left out. */
  readonly command: readonly string[]
  readonly workingDirectory: string | undefined
  /** Those of EnvironmentFile= that are plain paths. */
  readonly environmentFiles: readonly string[]
  /** What Environment= sets, which everybody can read by `systemctl show`. */
  readonly environment: ReadonlyMap<string, string>
  /** Paths of LoadCredential=: copies that are made at the start only. */
  readonly credentials: readonly string[]
  /** Whether it has an ExecReload=. */
  readonly reloads: boolean
}

/** Every service unit of the host by name. */
export function findUnits(host: Host): ReadonlyMap<string, Unit> {
  const units = new Map<string, Unit>()
  const hidden = new Set<string>()
  for (const folder of folders) {
    for (const name of host.names(folder)) {
      if (!name.endsWith('.service') || hidden.has(name)) continue
      hidden.add(name)
      const path = join(folder, name)
      // `systemctl mask`
      if (host.link(path) === '/dev/null') continue
      const unit = readUnit(host, name, path)
      if (unit) units.set(name, unit)
    }
  }
  return units
}

function readUnit(host: Host, name: string, path: string): Unit | undefined {
  const text = host.text(path)
  if (text === undefined) return undefined
  const dropIns = dropInsOf(host, name)
  const directives = [text, ...dropIns.map((path) => host.text(path) ?? '')].flatMap(parseUnitFile)
  const values = (key: string) => valuesOf(directives, 'Service', key)
  const one = (key: string) => values(key).at(-1)
  return {
    name,
    path,
    dropIns,
    user: one('User'),
    command: wordsOf(one('ExecStart') ?? '').map((word, at) =>
      at === 0 ? unprefixed(word) : word,
    ),
    workingDirectory: absolute([(one('WorkingDirectory') ?? '').replace(/^-/, '')])[0],
    environmentFiles: absolute(values('EnvironmentFile').map((value) => value.replace(/^-/, ''))),
    environment: environmentOf(directives),
    credentials: absolute(values('LoadCredential').map((value) => value.replace(/^[^:]*:/, ''))),
    reloads: values('ExecReload').length > 0,
  }
}

/** By name of the file over all folders; the same name in an earlier folder hides a later one. */
function dropInsOf(host: Host, name: string): readonly string[] {
  const paths = new Map<string, string>()
  for (const folder of folders.map((folder) => join(folder, `${name}.d`))) {
    for (const file of host.names(folder)) {
      if (file.endsWith('.conf') && !paths.has(file)) paths.set(file, join(folder, file))
    }
  }
  return [...paths].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path)
}

function environmentOf(directives: readonly Directive[]): ReadonlyMap<string, string> {
  const assignments = valuesOf(directives, 'Service', 'Environment').flatMap(wordsOf)
  return new Map(
    assignments.flatMap((word) => {
      const equals = word.indexOf('=')
      return equals > 0 ? [[word.slice(0, equals), word.slice(equals + 1)] as const] : []
    }),
  )
}

/** Specifiers and patterns are systemd's to expand. */
function absolute(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => /^\/[^%*?[]+$/.test(path))
}

/** systemd.service(5), "Special executable prefixes". */
function unprefixed(word: string): string {
  return word.replace(/^[-@:+!|]+/, '')
}
