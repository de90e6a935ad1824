import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { lockedBy, tryLock } from '../../src/store/lock.ts'

const script = join(import.meta.dirname, 'store-child.ts')

describe('the lock of a state directory', () => {
  let folder: string
  let stateDir: string
  let children: ChildProcess[]
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-lock-'))
    stateDir = join(folder, 'state')
    mkdirSync(stateDir)
    children = []
  })
  afterEach(async () => {
    await Promise.all(children.map(kill))
    rmSync(folder, { recursive: true })
  })

  async function contender(): Promise<{ child: ChildProcess; answer: string }> {
    const child = spawn(process.execPath, [script, 'lock', folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    children.push(child)
    const [answer] = await once(child.stdout, 'data')
    return { child, answer: String(answer).trim() }
  }

  it('is taken once, and given again after release', async () => {
    const first = await tryLock(stateDir, 1_000)
    assert.equal(first.held, true)
    const second = await tryLock(stateDir, 2_000)
    assert.deepEqual(second, {
      held: false,
      holder: { pid: process.pid, host: hostname(), since: 1_000 },
    })
    first.release()
    const third = await tryLock(stateDir, 3_000)
    assert.equal(third.held, true)
    third.release()
  })

  it('names the holder to another process', async () => {
    const { child } = await contender()
    const attempt = await tryLock(stateDir, 1)
    assert.equal(attempt.held, false)
    const message = lockedBy(stateDir, attempt.holder).message
    assert.match(message, new RegExp(`in use by process ${child.pid} on ${hostname()} since 20`))
    assert.match(lockedBy(stateDir, undefined).message, /in use by another process/)
  })

  it('ends with a holder that is killed', async () => {
    const { child, answer } = await contender()
    assert.equal(answer, 'held')
    assert.equal((await tryLock(stateDir, 1)).held, false)
    await kill(child)
    const attempt = await tryLock(stateDir, 1)
    assert.equal(attempt.held, true)
    attempt.release()
  })

  it('has one winner among twenty that start at once', async () => {
    const answers = (await Promise.all(Array.from({ length: 20 }, contender))).map(
      ({ answer }) => answer,
    )
    assert.equal(answers.filter((answer) => answer === 'held').length, 1)
    assert.equal(answers.filter((answer) => answer.startsWith('refused')).length, 19)
  })

  it('survives its holder reading lock.json, and forgetting what it got', async () => {
    await tryLock(stateDir, 1)
    readFileSync(join(stateDir, 'lock.json'))
    await collectGarbage()
    const { answer } = await contender()
    assert.equal(answer, `refused ${process.pid}`)
  })

  it('says what to do where there is no state directory', async () => {
    await assert.rejects(tryLock(join(folder, 'absent'), 1), { name: 'OperatorError' })
  })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  for (let i = 0; i < 3; i++) {
    await setImmediate()
    collect()
  }
}
