import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openGenuine } from '../../support/databases.ts'
import type { SeededRandom } from '../campaign.ts'
import { SharedFile, type ValuePattern } from './shared-file.ts'

/** One target of a material, as the operator and the judge see it. */
export interface Place {
  /** A target in YAML. */
  readonly target: string
  /** What is switched, by its path. */
  readonly path: string
  /** What it holds, read as its consumer would; undefined for nothing, or nothing whole. */
  readonly value: () => string | undefined
  /** The operator changes the value. */
  readonly overwrite: (value: string, random: SeededRandom) => void
  /** Where there is something beside the value. */
  readonly file?: SharedFile
  /** What the operator keeps beside it, once there: what is not as it was written. */
  readonly keep?: (name: string) => void
  readonly lost?: () => readonly string[]
}

export const materials = ['one', 'two'] as const
export type MaterialName = (typeof materials)[number]

const words: Readonly<Record<string, string>> = {
  'app.env': '# of the operator\nOTHER=1\nONE=<one>\n# and more\nTWO="<two>"\nLAST=x',
  'conf.toml':
    '# of the operator\nport = 1\n[one]\ntoken = "<one>" # why\n[two]\ntoken = "<two>"\n',
  'conf.yaml': '# of the operator\na: {b: 1}\none: <one> # why\ntwo: "<two>"\n',
  'conf.json': '{ "other": [1, 2], "one": "<one>", "two": "<two>" }\n',
}

function patternOf(file: string, material: MaterialName): RegExp {
  const upper = material.toUpperCase()
  const quoted = ')("?[^"\\s,}]*"?)'
  if (file === 'app.env') return new RegExp(`(^${upper}=${quoted}`, 'm')
  if (file === 'conf.toml')
    return new RegExp(`(^\\[${material}\\]\\n(?:#.*\\n)*token = ${quoted}`, 'm')
  if (file === 'conf.yaml') return new RegExp(`(^${material}: ${quoted}`, 'm')
  return new RegExp(`("${material}": ${quoted}`)
}

function targetIn(file: string, path: string, material: MaterialName): string {
  if (file === 'app.env') {
    return `env: { path: ${path}, key: ${material.toUpperCase()}, dialect: systemd }`
  }
  const pointer = file === 'conf.toml' ? `/${material}/token` : `/${material}`
  return `${file.slice('conf.'.length)}: { path: ${path}, pointer: ${pointer} }`
}

/** All places that there are, by material, in use with the first patterns. */
export function layOut(folder: string, first: Readonly<Record<MaterialName, string>>) {
  const places: Record<MaterialName, Place[]> = { one: [], two: [] }
  for (const [file, text] of Object.entries(words)) {
    const patterns = materials.map((material) => patternOf(file, material))
    const content = text.replace('<one>', first.one).replace('<two>', first.two)
    const shared = new SharedFile(join(folder, file), content, patterns)
    for (const [index, material] of materials.entries()) {
      const pattern = patterns[index]
      if (pattern)
        places[material].push(keyed(shared, pattern, targetIn(file, shared.path, material)))
    }
  }
  for (const material of materials) {
    places[material].push(
      wholeFile(join(folder, `${material}.token`), first[material]),
      fileSet(join(folder, material), first[material]),
      vault(folder, material, first[material]),
    )
  }
  return places
}

function keyed(file: SharedFile, pattern: ValuePattern, target: string): Place {
  return {
    target,
    path: file.path,
    file,
    value: () => file.valueAt(pattern),
    overwrite: (wanted, random) => file.overwrite(pattern, wanted, random),
  }
}

/** Adopted with a line break at its end. */
function wholeFile(path: string, first: string): Place {
  writeFileSync(path, `${first}\n`, { mode: 0o600 })
  return {
    target: `file: { path: ${path} }`,
    path,
    value: () => readIfThere(path)?.trimEnd(),
    overwrite: (value) => writeFileSync(path, value),
  }
}

function fileSet(folder: string, first: string): Place {
  mkdirSync(folder, 0o700)
  const link = join(folder, 'current')
  const lead = (name: string, value: string) => {
    mkdirSync(join(folder, name), 0o700)
    for (const file of ['token', 'copy']) writeFileSync(join(folder, name, file), value)
    rmSync(link, { force: true })
    symlinkSync(name, link)
  }
  lead('first', first)
  const kept = new Set<string>()
  return {
    target: `file_set: { path: ${link}, files: { token: {}, copy: {} } }`,
    path: link,
    value() {
      const [token, copy] = ['token', 'copy'].map((file) => readIfThere(join(link, file)))
      return token === copy ? token : undefined
    },
    keep(name) {
      writeFileSync(join(link, name), name)
      kept.add(name)
    },
    lost: () => [...kept].filter((name) => !existsSync(join(link, name))),
    overwrite(value, random) {
      // In the folder that is live, or by leading the link somewhere else.
      if (random.below(2) === 0) {
        kept.clear()
        return lead(value, value)
      }
      for (const file of ['token', 'copy']) writeFileSync(join(link, file), value)
    },
  }
}

/** A row of the consumer's database, among others that it writes. */
export function row(path: string, first: string): Place {
  const sql = (statement: string, ...values: string[]) => {
    const db = openGenuine(path, {})
    try {
      return db.prepare(statement).all<{ value: string }>(values)
    } finally {
      db.close()
    }
  }
  sql('CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT)')
  const put = (key: string, value: string) =>
    void sql('INSERT OR REPLACE INTO state VALUES (?, ?)', key, value)
  put('token', first)
  const valueOf = (key: string) => sql('SELECT value FROM state WHERE key = ?', key)[0]?.value
  const kept = new Set<string>()
  return {
    target: `sqlite_row: { path: ${path}, table: state, column: value, where: { key: token }, as: text }`,
    path,
    value: () => (existsSync(path) ? valueOf('token') : undefined),
    overwrite: (value) => put('token', value),
    keep(name) {
      put(name, name)
      kept.add(name)
    },
    lost: () => [...kept].filter((name) => valueOf(name) !== name),
  }
}

/** What only programs of the operator's reach. */
function vault(folder: string, material: MaterialName, first: string): Place {
  const path = join(folder, `${material}.vault`)
  const put = join(folder, 'put')
  const get = join(folder, 'get')
  writeFileSync(path, first)
  writeFileSync(put, 'cat <&3 >"$1.part" && mv "$1.part" "$1"\n')
  writeFileSync(get, 'test -e "$1" || exit 1; exec cat "$1"\n')
  const argv = (script: string) => JSON.stringify(['/bin/sh', script, path])
  return {
    target: `command: { write: ${argv(put)}, read: ${argv(get)} }`,
    path,
    value: () => readIfThere(path),
    overwrite: (value) => writeFileSync(path, value),
  }
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
