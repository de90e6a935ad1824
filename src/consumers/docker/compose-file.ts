import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ComposeOptions } from './compose.ts'

/** What the compose file says of a service's environment. */
export interface ServiceEnvironment {
  readonly file: string
  /** Paths of `env_file`, absolute. */
  readonly files: readonly string[]
  /** `environment`, as it is written; undefined for a name without a value. */
  readonly variables: ReadonlyMap<string, string | undefined>
}

const usualNames = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

/**
 * Reads the file itself: Compose's own `config` mixes both sources, and prints what the files hold.
 * @returns undefined where there is no such file, or it is not plain enough to tell
 */
export async function serviceEnvironment(
  options: ComposeOptions,
): Promise<ServiceEnvironment | undefined> {
  const { project_dir, service, file } = options
  const { parse } = await import('yaml')
  for (const path of file === undefined
    ? usualNames.map((name) => join(project_dir, name))
    : [file]) {
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    try {
      const found = fieldOf(fieldOf(parse(text, { merge: true }), 'services'), service)
      return found === undefined ? undefined : environmentOf(path, project_dir, found)
    } catch {
      return undefined
    }
  }
  return undefined
}

function environmentOf(file: string, folder: string, service: unknown): ServiceEnvironment {
  const files = [fieldOf(service, 'env_file')].flat().flatMap((entry) => {
    const path = typeof entry === 'string' ? entry : fieldOf(entry, 'path')
    return typeof path === 'string' ? [resolve(folder, path)] : []
  })
  return { file, files, variables: variablesOf(fieldOf(service, 'environment')) }
}

/** A map, or a list of `NAME=value`. */
function variablesOf(environment: unknown): ReadonlyMap<string, string | undefined> {
  if (!Array.isArray(environment)) {
    const entries = Object.entries(Object(environment) as Record<string, unknown>)
    return new Map(entries.map(([name, value]) => [name, textOf(value)]))
  }
  return new Map(
    environment.map(String).map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

/** Undefined for what is no scalar: Compose refuses that. */
function textOf(value: unknown): string | undefined {
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
  return isScalar ? `${value as string | number | boolean}` : undefined
}

function fieldOf(value: unknown, name: string): unknown {
  const fields = Object(value) as Readonly<Record<string, unknown>>
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
