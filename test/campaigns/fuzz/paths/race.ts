import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { OperatorError } from '../../../../src/support/operator-error.ts'
import { file } from '../../../../src/targets/file.ts'
import { LiveChanged, type Target } from '../../../../src/targets/target.ts'
import { targetContext } from '../../../support/file-place.ts'
import { testEdition } from '../../../support/test-edition.ts'
import type { Trial } from '../trial.ts'
import { type Ground, put } from './ground.ts'
import type { SwapOrder } from './swap-worker.ts'
import { differences, treeOf } from './tree.ts'

const signal = new AbortController().signal
const tries = 8

/** What another process may swap while a file is written, and by what. */
export const races = [
  ['parent', 'link'],
  ['parent', 'folder'],
  ['grandparent', 'link'],
  ['target', 'link'],
  ['target', 'pipe'],
  ['target', 'folder'],
] as const
export type Race = (typeof races)[number]

/**
 * Writes a file again and again while a thread swaps it, or a folder above it, for something else. Nothing that a link
 * leads to is touched: it is open to others, so rekeyd never writes there knowingly.
 */
export async function raceFor(
  [what, by]: Race,
  trial: Trial,
  ground: Ground,
  worker: Worker,
): Promise<void> {
  const { inside, outside, odd, name } = ground
  const path = put(ground, join(inside, 'a', 'b', name))
  const swapped = { parent: dirname(path), grandparent: join(inside, 'a'), target: path }[what]
  const lure = { parent: 'folder', grandparent: '.', target: 'folder/file' }[what]
  chmodSync(outside, 0o777)
  chmodSync(join(outside, 'folder'), 0o777)
  const before = treeOf(outside)
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const order: SwapOrder = {
    path: swapped,
    by,
    outside: join(outside, lure),
    pipe: join(odd.folder, 'fifo'),
    stop,
  }
  const ended = once(worker, 'message')
  worker.postMessage(order, [])
  const target = file.create(file.schema.parse({ path }), targetContext)
  const values = ['old']
  try {
    for (let round = 1; round <= tries; round += 1) {
      values.push(`${trial.canary}${round}`)
      await write(target, trial, round)
    }
  } finally {
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
    await ended
  }
  assert.deepEqual(differences(before, treeOf(outside)), [], 'touched outside')
  const aways = [swapped, `${swapped}.away`].filter((one) => existsSync(one))
  assert.ok(aways.length > 0, 'gone')
  if (existsSync(path)) {
    const now = readFileSync(path, 'utf8')
    assert.ok(values.includes(now), `neither old nor new: ${now.length} characters`)
  }
  rmSync(`${swapped}.away`, { recursive: true, force: true })
  assert.ok(readdirSync(inside).length > 0)
}

async function write(target: Target, trial: Trial, round: number): Promise<void> {
  const edition = testEdition(round, `${trial.canary}${round}`)
  const move = { rotation: `r${round}`, edition }
  try {
    await target.activate(move, await target.stage(move, signal), signal)
  } catch (error) {
    trial.hear(error)
    assert.ok(error instanceof OperatorError || error instanceof LiveChanged, String(error))
  }
  const { holds } = await target.inspect([edition], signal)
  trial.hear(holds)
}

export function startSwapping(): Worker {
  const worker = new Worker(join(import.meta.dirname, 'swap-worker.ts'))
  worker.unref()
  return worker
}
