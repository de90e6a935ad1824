import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { runCli } from '../../src/cli/run-cli.ts'
import { FakeTerminal, fakeParts } from '../cli/fake-terminal.ts'
import { openRekeyd, type ScratchRekeyd } from './scratch-rekeyd.ts'

const recipient = 'age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj'

describe('a host that somebody broke into', () => {
  let folder: string
  let rekeyd: ScratchRekeyd
  const path = (name: string) => join(folder, name)
  const value = (name: string) => readFileSync(path(`live/${name}`), 'utf8')

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rekeyd-incident-'))
    for (const name of ['live', 'backups']) mkdirSync(path(name), { mode: 0o700 })
    const token = (name: string, more = '') => `
  ${name}:
    kind: token
    rotate: { every: 30d }
    targets: [{ file: { path: ${path(`live/${name}`)} } }]
    verify: none
    ${more}`
    rekeyd = await openRekeyd(
      folder,
      `
defaults: { on_missing: create }
recovery: { recipients: [${recipient}] }
backup: { to: ${path('backups')}, keep: 30 }
materials:${token('inside', 'impact: Everybody is logged out.')}${token('outer', 'contains: [inside]')}
  store-key: { kind: store-key, rotate: { every: 365d }, targets: [store_key], verify: [store_key] }
`,
    )
  })
  afterEach(async () => {
    await rekeyd.close()
    rmSync(folder, { recursive: true })
  })

  /** A command of a person on this host. */
  const run = async (...argv: string[]) => {
    const terminal = new FakeTerminal()
    const clock = { ...fakeParts(rekeyd.operations).clock, now: () => Date.now() }
    const exit = await runCli(
      [...argv, '--json'],
      terminal,
      fakeParts(rekeyd.operations, { clock }),
    )
    return { exit, answer: JSON.parse(terminal.stdout), stderr: terminal.stderr }
  }
  const incident = (...argv: string[]) =>
    run('incident', '--all', '--accept-impact=chat-1', '--reason', 'the forum', ...argv)

  it('has everything replaced, the key of the store first and containers before contents', async () => {
    const before = [value('inside'), value('outer')]
    const { exit, answer, stderr } = await incident()
    assert.equal(exit, 0, stderr)
    const results = answer.results.map(
      ({ material, result }: { material: string; result: string }) => `${material} ${result}`,
    )
    assert.deepEqual(results, [
      'store-key succeeded',
      'outer applied_unproved',
      'inside applied_unproved',
    ])
    assert.ok(!before.includes(value('inside')) && !before.includes(value('outer')))
    const marks = await rekeyd.operations.audit(0, 1_000)
    const told = marks.filter(({ action }) => action === 'version.compromise')
    assert.deepEqual(
      told.map(({ material, who, why }) => [material, who, why]),
      ['store-key', 'outer', 'inside'].map((name) => [name, 'cli:eve', 'the forum']),
    )
  })

  it('is left alone the second time, but for what was made under a key that leaked again', async () => {
    const since = new Date().toISOString()
    assert.equal((await incident()).exit, 0)
    const inside = value('inside')
    const again = await incident('--since', since)
    assert.equal(again.exit, 0)
    for (const { result } of again.answer.results) assert.equal(result, 'replaced_before')
    await rekeyd.operations.compromise('outer', {}, { who: 'cli:eve' })
    const { answer } = await incident('--since', since)
    assert.deepEqual(
      answer.results.map(({ result }: { result: string }) => result),
      ['replaced_before', 'replaced_before', 'applied_unproved'],
    )
    assert.notEqual(value('inside'), inside)
  })

  it('keeps its backups unless they are to be purged, and then has a new one alone', async () => {
    const backups = () => readdirSync(path('backups')).filter((name) => name.endsWith('.age'))
    await rekeyd.operations.backup(undefined, { who: 'cli:eve' })
    const [first] = backups()
    assert.ok(first)
    const kept = await run('compromise', 'outer')
    assert.match(kept.answer.elsewhere.join(), /none of them was deleted/)
    assert.ok(backups().includes(first))
    const { answer, exit } = await run('compromise', 'outer', '--purge')
    assert.equal(exit, 0)
    assert.ok(answer.purged >= 1, `${answer.purged}`)
    assert.match(answer.elsewhere.join(), /copies of .* backups elsewhere/)
    assert.ok(!backups().includes(first))
    assert.equal(backups().length, 1)
  })
})
