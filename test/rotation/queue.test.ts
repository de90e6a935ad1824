import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Queue } from '../../src/rotation/queue.ts'

/** A task that ends when told, and notes when it begins. */
function task(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    end: resolve,
    run: async () => {
      log.push(name)
      await promise
    },
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('Queue', () => {
  it('runs side by side what shares nothing', async () => {
    const log: string[] = []
    const queue = new Queue()
    const [one, other] = [task(log, 'one'), task(log, 'other')]
    const all = [queue.run(['a'], one.run), queue.run(['b'], other.run)]
    await settle()
    assert.deepEqual(log, ['one', 'other'])
    one.end()
    other.end()
    await Promise.all(all)
  })

  it('keeps the order of those that share a claim, and lets others pass', async () => {
    const log: string[] = []
    const queue = new Queue()
    const tasks = ['first', 'second', 'third'].map((name) => task(log, name))
    const [first, second, third] = tasks
    assert.ok(first && second && third)
    const all = [
      queue.run(['a'], first.run),
      queue.run(['a', 'b'], second.run),
      queue.run(['c'], third.run),
    ]
    await settle()
    assert.deepEqual(log, ['first', 'third'])
    first.end()
    await settle()
    assert.deepEqual(log, ['first', 'third', 'second'])
    second.end()
    third.end()
    await Promise.all(all)
  })

  it('lets nobody overtake somebody who waits for the same claim', async () => {
    const log: string[] = []
    const queue = new Queue()
    const tasks = ['holder', 'waiter', 'late'].map((name) => task(log, name))
    for (const { end } of tasks.slice(1)) end()
    const [holder, waiter, late] = tasks
    assert.ok(holder && waiter && late)
    const all = [
      queue.run(['a'], holder.run),
      queue.run(['a', 'b'], waiter.run),
      queue.run(['b'], late.run),
    ]
    await settle()
    holder.end()
    await Promise.all(all)
    assert.deepEqual(log, ['holder', 'waiter', 'late'])
  })

  it('tells whoever will not wait, and frees its claims also after a failure', async () => {
    const queue = new Queue()
    const failing = queue.run(['a'], async () => {
      throw new Error('failed')
    })
    await assert.rejects(
      queue.runNow(['a'], async () => {}),
      { kind: 'busy' },
    )
    await assert.rejects(failing, /failed/)
    await queue.runNow(['a'], async () => {})
    assert.equal(queue.holds('a'), false)
  })

  it('tells whoever will not wait that somebody waits already', async () => {
    const log: string[] = []
    const queue = new Queue()
    const [one, two] = [task(log, 'one'), task(log, 'two')]
    const all = [queue.run(['a'], one.run), queue.run(['a', 'b'], two.run)]
    await assert.rejects(
      queue.runNow(['b'], async () => {}),
      { kind: 'busy' },
    )
    one.end()
    two.end()
    await Promise.all(all)
  })

  it('is idle when the last one has ended', async () => {
    const log: string[] = []
    const queue = new Queue()
    const one = task(log, 'one')
    const running = queue.run(['a'], one.run)
    let idle = false
    const waiting = queue.idle().then(() => (idle = true))
    await settle()
    assert.equal(idle, false)
    one.end()
    await Promise.all([running, waiting])
    assert.equal(idle, true)
  })
})
