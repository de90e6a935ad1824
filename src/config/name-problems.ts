import { shownWord, suggestion } from './closest.ts'
import { databaseKeyNames } from './database-key-names.ts'
import type { ParsedMaterial } from './material-schema.ts'
import type { Path, Problem } from './problem.ts'
import { noWindow } from './resolve.ts'
import type { ParsedConfig } from './schema.ts'

/** Names that stand for nothing: of windows, consumers and materials. */
export function nameProblems(parsed: ParsedConfig): Problem[] {
  const { windows, defaults, materials } = parsed
  const reserved: Problem[] = Object.hasOwn(windows, noWindow)
    ? [
        {
          path: ['windows', noWindow],
          at: 'key',
          message: `a window cannot be named \`${noWindow}\`: \`window: ${noWindow}\` means any time`,
        },
      ]
    : []
  return [
    ...reserved,
    ...undefinedName('window', defaults.window, windows, ['defaults', 'window']),
    ...Object.entries(materials).flatMap(([name, material]) =>
      materialProblems(material, parsed, ['materials', name]),
    ),
  ]
}

function materialProblems(material: ParsedMaterial, parsed: ParsedConfig, path: Path): Problem[] {
  const { windows, consumers, materials } = parsed
  const listed = (key: 'consumers' | 'contains', table: Readonly<Record<string, unknown>>) => {
    const names = material[key] ?? []
    return names.flatMap((name, index) => {
      const at = [...path, key, index]
      const again = names.indexOf(name) < index
      if (again) return [{ path: at, message: `\`${name}\` is listed twice` }]
      return undefinedName(key === 'consumers' ? 'consumer' : 'material', name, table, at)
    })
  }
  return [
    ...undefinedName('window', material.window, windows, [...path, 'window']),
    ...listed('consumers', consumers),
    ...listed('contains', materials),
    ...databaseKeyNames(material).flatMap(({ name, path: inner }) =>
      databaseKeyProblems(name, materials, [...path, ...inner]),
    ),
  ]
}

function databaseKeyProblems(name: string, materials: ParsedConfig['materials'], path: Path) {
  const unknown = undefinedName('material', name, materials, path)
  if (unknown.length > 0 || materials[name]?.kind.type === 'database-key') return unknown
  return [{ path, message: `material \`${name}\` is not of kind database-key` }]
}

function undefinedName(
  what: string,
  name: string | undefined,
  table: Readonly<Record<string, unknown>>,
  path: Path,
): Problem[] {
  if (name === undefined || Object.hasOwn(table, name)) return []
  if (what === 'window' && name === noWindow) return []
  const known = Object.keys(table)
  const shown = shownWord(name, known) ?? 'of this name'
  const message = `there is no ${what} ${shown}${suggestion(name, known)}`
  return [{ path, message }]
}
