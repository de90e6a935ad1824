import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

/** Milliseconds for which a case may block this thread. */
const longest = 30_000

/**
 * Ends the process with a word about the case when that blocks the event loop for ever: no timer of this thread
 * would fire then.
 */
export class Watchdog {
  readonly #shared = new Int32Array(new SharedArrayBuffer(8))
  readonly #worker: Worker
  readonly #beat: NodeJS.Timeout

  /** @param command what repeats a case, but for its seed */
  constructor(command: string) {
    const workerData = { shared: this.#shared, longest, command }
    this.#worker = new Worker(join(import.meta.dirname, 'watchdog-worker.ts'), { workerData })
    this.#worker.unref()
    this.#beat = setInterval(() => Atomics.add(this.#shared, 0, 1), 5_000).unref()
  }

  /** Says which case is under way. */
  begins(seed: number): void {
    Atomics.add(this.#shared, 0, 1)
    Atomics.store(this.#shared, 1, seed)
  }

  async end(): Promise<void> {
    clearInterval(this.#beat)
    await this.#worker.terminate()
  }
}
