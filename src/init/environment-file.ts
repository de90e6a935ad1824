import { createHmac, randomBytes } from 'node:crypto'
import type { Dialect } from '../targets/env-dialects/dialect.ts'
import type { Host } from './host.ts'

/** The dialects that a system's own files are read by: its manager's, or Compose's. */
export type DialectName = 'systemd' | 'compose'

/** What a file of environment variables holds, without any value that could be a secret. */
export interface EnvironmentFile {
  readonly path: string
  readonly dialect: DialectName
  /** The variables that have a value, and a digest by which two values can be told apart in this process. */
  readonly set: ReadonlyMap<string, string>
  /** The values of those that were asked for by name. */
  readonly shown: ReadonlyMap<string, string>
}

const digestKey = randomBytes(32)

/** Tells whether two values are the same without keeping them. */
export function digestOf(value: Uint8Array | string): string {
  return createHmac('sha256', digestKey).update(value).digest('hex')
}

/**
 * Reads a file of environment variables; undefined when there is none or its reader would refuse it.
 * @param show names of variables that are no secrets
 */
export async function readEnvironmentFile(
  host: Host,
  path: string,
  dialect: DialectName,
  show: readonly string[] = [],
): Promise<EnvironmentFile | undefined> {
  const content = host.bytes(path)
  if (!content) return undefined
  const reader = await dialectOf(dialect)
  const [set, shown] = [new Map<string, string>(), new Map<string, string>()]
  try {
    for (const { name, text } of reader.read(content)) {
      set.delete(name)
      if (text && text.length > 0) set.set(name, digestOf(text.bytes))
      if (text && show.includes(name)) shown.set(name, text.bytes.toString('utf8'))
      text?.wipe()
    }
    return { path, dialect, set, shown }
  } catch {
    host.complain(path, `is not what ${dialect} reads as environment variables`)
    return undefined
  } finally {
    content.fill(0)
  }
}

async function dialectOf(name: DialectName): Promise<Dialect> {
  if (name === 'systemd') return (await import('../targets/env-dialects/systemd.ts')).systemd
  return (await import('../targets/env-dialects/compose.ts')).compose
}
