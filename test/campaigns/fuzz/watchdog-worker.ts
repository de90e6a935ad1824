import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

const { shared, longest, command } = workerData as {
  readonly shared: Int32Array
  readonly longest: number
  readonly command: string
}

for (let last = Atomics.load(shared, 0); ; last = Atomics.load(shared, 0)) {
  Atomics.wait(shared, 0, last, longest)
  if (Atomics.load(shared, 0) !== last) continue
  const seed = Atomics.load(shared, 1)
  writeSync(2, `VIOLATION, seed ${seed}: hangs\n  ${command} --cases 1 --seed ${seed}\n`)
  process.kill(process.pid, 'SIGKILL')
}
