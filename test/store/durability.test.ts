import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { needs } from '../support/parts.ts'
import { ScratchStore } from './scratch-store.ts'

const script = join(import.meta.dirname, 'store-child.ts')

describe('durability of the store', () => {
  let scratch: ScratchStore
  beforeEach(async () => {
    scratch = new ScratchStore()
    const store = await scratch.create()
    store.close()
  })
  afterEach(() => scratch.dispose())

  it('keeps every acknowledged commit of a process that is killed, and no half one', async () => {
    let before = 0
    for (const acknowledgements of [1, 2, 7, 20, 41]) {
      const last = await commitUntilKilled(before + acknowledgements)
      assert.ok(last >= before + acknowledgements)
      const store = await scratch.open()
      assert.equal(store.restored, false)
      const numbers = store.keys.list('vapid').map(({ number }) => number)
      const newest = numbers[0] ?? 0
      assert.ok(newest >= last, `version ${last} was acknowledged, the newest is ${newest}`)
      assert.deepEqual(
        numbers,
        Array.from({ length: newest }, (_, i) => newest - i),
      )
      for (const number of numbers) {
        assert.equal(store.keys.secret('vapid', number)['private_key']?.length, 3_000)
      }
      assert.equal(store.audit.verify().ok, true)
      store.close()
      before = newest
    }
  })

  /** @returns the last version number that the child acknowledged before it was killed */
  async function commitUntilKilled(target: number): Promise<number> {
    const child = spawn(process.execPath, [script, 'commit', scratch.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let last = 0
    for await (const line of createInterface(child.stdout)) {
      last = Number(line)
      if (last >= target) child.kill('SIGKILL')
    }
    if (child.signalCode === null) await once(child, 'exit')
    return last
  }

  it('syncs at the barriers of the journal, and nowhere between', needs('strace'), () => {
    const trace = join(scratch.folder, 'trace')
    const strace = ['-f', '-y', '-o', trace, '-e', 'trace=fdatasync,fsync,write']
    execFileSync('strace', [...strace, process.execPath, script, 'rotate', scratch.folder])
    const syncs = syncsByMark(readFileSync(trace, 'utf8'))
    for (const barrier of ['put', 'begin', 'hold', 'turn', 'again', 'finish']) {
      assert.ok(syncs.get(barrier)?.includes('store.db-wal'), `${barrier} does not sync the log`)
    }
    assert.deepEqual(syncs.get('started'), [])
    assert.deepEqual(syncs.get('ended'), [])
  })
})

/** Which files were synced after each mark that the child wrote. */
function syncsByMark(trace: string): Map<string, string[]> {
  const syncs = new Map<string, string[]>()
  let current: string[] = []
  for (const line of trace.split('\n')) {
    const mark = /write\(1<.*"mark (.*)\\n"/.exec(line)?.[1]
    const synced = /f(?:data)?sync\(\d+<(?:.*\/)?([^/>]*)>/.exec(line)?.[1]
    if (mark !== undefined) syncs.set(mark.trim(), (current = []))
    if (synced !== undefined) current.push(synced)
  }
  return syncs
}
