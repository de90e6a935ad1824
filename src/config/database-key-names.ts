import type { ParsedMaterial } from './material-schema.ts'
import type { Path } from './problem.ts'

/** Every `db_key: { material: … }` in a material's options and targets, and where it stands in the material. */
export function databaseKeyNames({
  kind,
  targets,
  verify = [],
  impact,
}: ParsedMaterial): { readonly name: string; readonly path: Path }[] {
  const choices = [
    ...targets.map(({ type, options }, index) => ({ options, path: ['targets', index, type] })),
    ...verify.map(({ type, options }, index) => ({ options, path: ['verify', index, type] })),
  ]
  const own = { options: kind.options, path: [] }
  return [own, { options: impact, path: ['impact'] }, ...choices].flatMap(({ options, path }) =>
    namesIn(options, path),
  )
}

function namesIn(value: unknown, path: Path): { name: string; path: Path }[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const here = [...path, key]
    if (key !== 'db_key' || typeof inner !== 'object' || inner === null) return namesIn(inner, here)
    const name = 'material' in inner ? inner.material : undefined
    return typeof name === 'string' ? [{ name, path: [...here, 'material'] }] : []
  })
}
