import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'

const source = join(import.meta.dirname, '../../src')

/** The contracts of the extension points and of the store: anybody above the leaves may import them. */
const contracts = new Set([
  'materials/kind.ts',
  'scheduler/schedule.ts',
  'targets/target.ts',
  'consumers/consumer.ts',
  'verifiers/verifier.ts',
  'store/key-store.ts',
  'store/journal.ts',
  'store/schedule-state.ts',
])

const leaves = ['support', 'formats', 'sqlcipher']
const extensions = ['materials', 'scheduler', 'targets', 'consumers', 'verifiers']

/** Which folders a folder may import beside itself and the contracts. The table of src/README.md. */
const table: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(leaves.map((leaf) => [leaf, leaves])),
  model: leaves,
  ...Object.fromEntries([...extensions, 'store'].map((folder) => [folder, ['model', ...leaves]])),
  rotation: ['model', ...leaves],
  operations: ['model', ...leaves, 'rotation', 'store'],
  metrics: ['model', ...leaves, 'operations'],
  'api-tokens': ['model', ...leaves],
  notices: ['model', ...leaves],
  impact: ['model', ...leaves],
  admin: ['model', ...leaves, 'operations', 'metrics', 'api-tokens'],
  config: ['model', ...leaves, ...extensions, 'store', 'notices', 'impact'],
  backup: ['model', ...leaves, 'store'],
  doctor: [
    'model',
    ...leaves,
    'rotation',
    'scheduler',
    'store',
    'operations',
    'config',
    'api-tokens',
    'build.ts',
  ],
  quickstart: leaves,
  init: [...leaves, 'targets', 'consumers'],
  assembly: [
    'model',
    ...leaves,
    ...extensions,
    'store',
    'rotation',
    'operations',
    'metrics',
    'config',
    'backup',
    'notices',
    'doctor',
    'impact',
    'build.ts',
  ],
  'assemble.ts': [
    'assembly',
    'model',
    ...leaves,
    'store',
    'operations',
    'metrics',
    'admin',
    'api-tokens',
    'config',
    'doctor',
  ],
  cli: [
    'model',
    ...leaves,
    'operations',
    'api-tokens',
    'config',
    'quickstart',
    'init',
    'assemble.ts',
    'build.ts',
  ],
  'main.ts': ['cli', 'support'],
  'build.ts': [],
}

interface Import {
  readonly from: string
  readonly to: string
}

const files = globSync('**/*.ts', { cwd: source }).toSorted()
const imports = files.flatMap(importsOf)

describe('the import table', () => {
  it('has a row for every folder, and no row too many', () => {
    assert.deepEqual([...new Set(files.map(rowOf))].toSorted(), Object.keys(table).toSorted())
  })

  it('is kept by every import', () => {
    const broken = imports.filter(({ from, to }) => !isAllowed(from, to))
    assert.deepEqual(
      broken.map(({ from, to }) => `${from} → ${to}`),
      [],
    )
  })

  it('leaves no cycle between folders', () => {
    const edges = new Map<string, Set<string>>()
    for (const { from, to } of imports) {
      if (rowOf(from) === rowOf(to) || contracts.has(to)) continue
      edges.set(rowOf(from), (edges.get(rowOf(from)) ?? new Set()).add(rowOf(to)))
    }
    const cycles = [...edges.keys()].filter((folder) => reaches(edges, folder, folder))
    assert.deepEqual(cycles, [])
  })

  it('sees the imports that it judges', () => {
    assert.ok(
      imports.some(({ from, to }) => from === 'rotation/walk.ts' && to === 'rotation/plan.ts'),
    )
    assert.equal(isAllowed('rotation/walk.ts', 'targets/env.ts'), false)
    assert.equal(isAllowed('scheduler/scheduler.ts', 'rotation/engine.ts'), false)
  })
})

function isAllowed(from: string, to: string): boolean {
  const row = rowOf(from)
  if (row === rowOf(to)) return true
  if (contracts.has(to) && !leaves.includes(row) && row !== 'model') return true
  return table[row]?.includes(rowOf(to)) ?? false
}

function rowOf(file: string): string {
  return file.split('/')[0] ?? file
}

function importsOf(from: string): readonly Import[] {
  const text = readFileSync(join(source, from), 'utf8')
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)
  return [...specifiers].map(([, specifier = '']) => ({
    from,
    to: normalize(join(dirname(from), specifier)),
  }))
}

function reaches(
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  goal: string,
  seen = new Set<string>(),
): boolean {
  return [...(edges.get(from) ?? [])].some((next) => {
    if (next === goal) return true
    if (seen.has(next)) return false
    seen.add(next)
    return reaches(edges, next, goal, seen)
  })
}
