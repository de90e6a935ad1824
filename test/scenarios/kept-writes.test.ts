import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { StepName } from '../../src/model/rotation.ts'
import { HurryingClock } from '../fakes/hurrying-clock.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'
import { systemdEnvironment } from './stand-ins/systemd-environment.ts'

const known = 'a-token-that-is-in-use-already'
const byHand = 'a-token-that-was-put-by-hand'

describe('two keys of one file', () => {
  let folder: string
  let rekeyd: ScratchRekeyd | undefined
  const path = (name: string) => join(folder, name)
  const values = () => systemdEnvironment(path('app.env'))

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-kept-'))
    writeFileSync(path('app.env'), `ONE=${known}\nTWO=${known}\n`, { mode: 0o600 })
    writeFileSync(path('known'), known)
    // Only what is in use already is ever proved.
    writeFileSync(path('proof'), `test "$(cat <&3)" = "$(cat ${path('known')})"\n`)
    writeFileSync(path('full'), 'test "$(cat <&3)" = "$(cat <&4)"\n')
    writeFileSync(path('holds'), `exec cat ${path('known')}\n`)
  })
  afterEach(async () => {
    await rekeyd?.close()
    rmSync(folder, { recursive: true })
  })

  const open = async (between = '') => {
    const env = (key: string) =>
      `      - env: { path: ${path('app.env')}, key: ${key}, dialect: systemd }`
    const yaml = `
consumers: { app: { command: { restart: [/bin/true] }, dwell: 1s } }
materials:
  token:
    kind: token
    rotate: { every: 30d }
    consumers: [app]
    verify: [{ command: [/bin/sh, ${path('proof')}] }]
    targets:
${env('ONE')}
${between}
${env('TWO')}
`
    rekeyd = await openRekeyd(folder, yaml, new HurryingClock(Date.now()))
    return rekeyd
  }

  const onFirst = (wanted: StepName, act: () => void) => {
    const stop = rekeyd?.on((event) => {
      if (event.type !== 'rotation.step' || event.step !== wanted) return
      stop?.()
      act()
    })
  }

  it('are both given back when a place between them cannot be switched', async () => {
    const command = (name: string) => `[/bin/sh, ${path(name)}]`
    const full = `      - command: { write: ${command('full')}, read: ${command('holds')} }`
    const { result, detail } = await (await open(full)).rotate('token')
    assert.equal(result, 'rolled_back')
    assert.match(detail ?? '', /said no/)
    assert.deepEqual(values(), { ONE: known, TWO: known })
  })

  it('are given back one by one: what was put into the other by hand stays', async () => {
    const opened = await open()
    onFirst('resume', () => {
      const text = readFileSync(path('app.env'), 'utf8')
      writeFileSync(path('app.env'), text.replace(/TWO=.*/, `TWO=${byHand}`))
    })
    const { result, detail } = await opened.rotate('token')
    assert.equal(result, 'needs_attention')
    assert.match(detail ?? '', /another value into \S+app\.env TWO: it was left/)
    assert.deepEqual(values(), { ONE: known, TWO: byHand })
  })
})
