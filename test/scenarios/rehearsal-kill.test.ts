import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { openRekeyd } from './scratch-rekeyd.ts'

const program = join(import.meta.dirname, '../../bin/rekeyd.js')

describe('a rehearsal that is killed', () => {
  let folder: string
  let reader: number | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-rehearsal-kill-'))
    mkdirSync(join(folder, 'app'), 0o700)
  })
  afterEach(() => {
    if (reader !== undefined) process.kill(reader, 'SIGKILL')
    rmSync(folder, { recursive: true })
  })

  const path = (name: string) => join(folder, name)
  const beside = () => readdirSync(path('app')).toSorted()

  /** A program that reads its place, and hangs once something is prepared beside the first one. */
  function config(): string {
    const write = `cat <&3 >${path('app/second')}`
    const read = `if ls -A ${path('app')} | grep -q rehearsal; then echo $$ >${path('hangs')}; exec sleep 600; fi
cat ${path('app/second')} 2>/dev/null || exit 1`
    writeFileSync(path('write.sh'), write, { mode: 0o600 })
    writeFileSync(path('read.sh'), read, { mode: 0o600 })
    const command = `{ write: [/bin/sh, ${path('write.sh')}], read: [/bin/sh, ${path('read.sh')}] }`
    return `
materials:
  token: { kind: token, rotate: { every: 30d }, verify: none, on_missing: create, targets: [{ file: { path: ${path('app/first')} } }, { command: ${command} }] }
`
  }

  it('leaves only what the next start removes, and no number was used up', async () => {
    const yaml = config()
    const before = await openRekeyd(folder, yaml)
    assert.deepEqual(await before.active(), { token: 1 })
    await before.close()
    const value = readFileSync(path('app/first'), 'utf8')

    const argv = [program, 'rotate', 'token', '--rehearse', '--config', path('rekeyd/rekeyd.yaml')]
    const child = spawn(process.execPath, argv, { stdio: 'ignore' })
    const ended = once(child, 'exit')
    for (let look = 0; look < 1_200 && !existsSync(path('hangs')); look += 1) await pause(50)
    child.kill('SIGKILL')
    await ended
    reader = Number(readFileSync(path('hangs'), 'utf8'))
    assert.equal(beside().length, 3, 'something was prepared')
    assert.ok(beside().some((name) => name.startsWith('.first.rekeyd-rehearsal-')))
    assert.equal(readFileSync(path('app/first'), 'utf8'), value)

    writeFileSync(path('read.sh'), `cat ${path('app/second')}`, { mode: 0o600 })
    const after = await openRekeyd(folder, yaml)
    assert.deepEqual(beside(), ['first', 'second'])
    assert.deepEqual(await after.active(), { token: 1 })
    const { changes } = await after.rotate('token')
    assert.deepEqual(changes, [{ material: 'token', from: 1, to: 2 }])
    await after.close()
  })
})
