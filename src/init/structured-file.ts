import { tooDeepAt } from '../support/nesting.ts'
import type { Host } from './host.ts'

/** Deeper than what any of the systems writes; at 200 brackets a YAML parser takes seconds. */
const limit = { flow: 40, block: 200 }

/** A YAML file as plain data; undefined when there is none, and a problem of the host when it cannot be read as one. */
export async function readYaml(host: Host, path: string): Promise<unknown> {
  const { parse } = await import('yaml')
  return read(host, path, (text) => parse(text, { logLevel: 'silent', maxAliasCount: 100 }))
}

/** The same for TOML. */
export async function readToml(host: Host, path: string): Promise<unknown> {
  const { parse } = await import('smol-toml')
  return read(host, path, parse)
}

/** What the parsers say quotes the input, which may hold secrets. */
function read(host: Host, path: string, parse: (text: string) => unknown): unknown {
  const text = host.text(path)
  if (text === undefined) return undefined
  if (tooDeepAt(text, limit)) {
    host.complain(path, 'is nested too deeply')
    return undefined
  }
  try {
    return parse(text)
  } catch {
    host.complain(path, 'cannot be parsed')
    return undefined
  }
}
