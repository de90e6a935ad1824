// Runs every test file with node:test on the Node that runs this, two files at a time, with a
// compile cache of the project's own: start-up is most of a small test's time. Files or patterns may be
// named as arguments, or in REKEYD_TESTS, which also reaches through `npm test`.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const named = [...process.argv.slice(2), ...(process.env.REKEYD_TESTS?.split(' ') ?? [])]
const patterns = named.length > 0 ? named : ['test/**/*.test.ts']
const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).toSorted()
if (files.length === 0) {
  console.error(`error: no test file matches ${patterns.join(' ')}`)
  process.exit(1)
}
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-timeout=300000', ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compile') },
  },
)
process.exitCode = status ?? 1
