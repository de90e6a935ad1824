// Runs every test file with node:test on the Node that runs this, two files at a time, with a
// compile cache of the project's own: start-up is most of a small test's time.
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const wanted = process.argv.slice(2)
const files = wanted.length > 0 ? wanted : globSync('test/**/*.test.ts', { cwd: root }).toSorted()
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
