// Breaks rekeyd on purpose, one small change of test/mutants at a time, and sees that the tests named there
// notice: `npm run mutants [-- WORD…]`, where a word picks the mutants whose name or file contains it. Works in
// copies of the tree. The last line of stdout is `mutants: N, S survived`; exits 1 when one survived, or when a
// test fails without any mutant.
import { spawn } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mutants } from '../test/mutants/table.ts'

const root = join(import.meta.dirname, '..')
/** Test files that run at once, in a tree of their own each. */
const workers = 2
/** A test that takes longer has noticed nothing. Milliseconds. */
const patience = 240_000
/** As the Test Anything Protocol has it: the innermost comes first. */
const failure = /^ *not ok \d+ - (.*)\n/m
/** Neither is needed in a copy; what is installed is shared. */
const left = new Set(['.git', 'node_modules'])

const words = process.argv.slice(2)
const chosen = mutants.filter(
  ({ name, file }) =>
    words.length === 0 || words.some((word) => name.includes(word) || file.includes(word)),
)
if (chosen.length === 0) {
  console.error(`error: no mutant is called ${words.join(' or ')}`)
  process.exit(2)
}

const trees = []
const running = new Set()
process.on('exit', () => {
  for (const child of running) end(child)
  for (const tree of trees) rmSync(tree, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))
for (let count = 0; count < workers; count += 1) trees.push(copyOfTree())

const tests = new Set(chosen.flatMap((mutant) => mutant.tests))
await share([...tests], async (tree, test) => {
  const { outcome, noticed } = await run(tree, [test])
  if (outcome === 'green') return
  console.error(`error: ${test} is ${outcome} without any mutant: ${noticed ?? ''}`)
  process.exit(1)
})

let survived = 0
await share(chosen, async (tree, mutant) => {
  const { name, file, find, replace } = mutant
  const path = join(tree, 'src', file)
  const source = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    source.replace(find, () => replace),
  )
  const { outcome, noticed, seconds } = await run(tree, mutant.tests)
  writeFileSync(path, source)
  if (outcome !== 'red') survived += 1
  const how = outcome === 'red' ? `noticed by "${noticed}"` : `SURVIVED (${outcome})`
  console.log(`${name}: ${how}, ${seconds} s`)
})
console.log(`mutants: ${chosen.length}, ${survived} survived`)
process.exit(survived > 0 ? 1 : 0)

/** Has each tree work through what is left. */
async function share(tasks, work) {
  const waiting = [...tasks]
  await Promise.all(
    trees.map(async (tree) => {
      for (let task = waiting.shift(); task; task = waiting.shift()) await work(tree, task)
    }),
  )
}

function copyOfTree() {
  const tree = mkdtempSync(join(tmpdir(), 'rekeyd-mutants-'))
  for (const name of readdirSync(root)) {
    if (!left.has(name)) cpSync(join(root, name), join(tree, name), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

/** @returns how the tests came out, and the title of the first that failed */
async function run(tree, names) {
  const files = names.map((name) => join('test', `${name}.test.ts`))
  const options = [
    '--test',
    '--test-isolation=none',
    '--test-timeout=120000',
    '--test-reporter=tap',
  ]
  const started = performance.now()
  const child = spawn('nice', ['-n', '10', process.execPath, ...options, ...files], {
    cwd: tree,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tree, '.compiled') },
    // In a group of its own, which is ended as a whole.
    detached: true,
  })
  running.add(child)
  let late = false
  const limit = setTimeout(() => {
    late = true
    end(child)
  }, patience)
  let output = ''
  let noticed
  child.stdout.on('data', (chunk) => {
    output += chunk
    noticed ??= failure.exec(output)?.[1]
    // One that fails is enough.
    if (noticed !== undefined) end(child)
  })
  const exit = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  running.delete(child)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const outcome = late ? 'hangs' : exit === 0 ? 'green' : 'red'
  return { outcome, noticed, seconds }
}

function end(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
