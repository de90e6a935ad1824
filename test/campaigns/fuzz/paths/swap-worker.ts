import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'

/** What is swapped until `stop` says so. */
export interface SwapOrder {
  /** What stands there, and is moved away and back again. */
  readonly path: string
  /** What takes its place meanwhile. */
  readonly by: 'link' | 'pipe' | 'folder'
  readonly outside: string
  readonly pipe: string
  /** One whole number; 1 ends it. */
  readonly stop: Int32Array
}

parentPort?.on('message', ({ path, by, outside, pipe, stop }: SwapOrder) => {
  const away = `${path}.away`
  let swaps = 0
  // A pause now and then, of another length each time, lets every step meet every state.
  for (; Atomics.wait(stop, 0, 0, swaps % 3) === 'timed-out'; swaps += 1) {
    attempt(() => renameSync(path, away))
    attempt(() => {
      if (by === 'link') symlinkSync(outside, path)
      else if (by === 'pipe') linkSync(pipe, path)
      else mkdirSync(join(path, 'x'), { recursive: true })
    })
    if (swaps % 2 === 0) Atomics.wait(stop, 0, 0, swaps % 5)
    attempt(() => rmSync(path, { recursive: true, force: true }))
    attempt(() => renameSync(away, path))
  }
  parentPort?.postMessage(swaps, [])
})

/** The other side may have put something there meanwhile. */
function attempt(action: () => void): void {
  try {
    action()
  } catch {
    // The next round finds it as it is.
  }
}
