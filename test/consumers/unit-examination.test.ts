import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Verb } from '../../src/consumers/consumer.ts'
import { systemd } from '../../src/consumers/systemd.ts'
import type { Place } from '../../src/targets/target.ts'
import { FakeSystemctl } from '../fakes/fake-systemctl.ts'

const never = new AbortController().signal

/** The lines are as `systemctl show` of systemd 252 prints them. */
describe('the examination of a unit', () => {
  let fake: FakeSystemctl
  beforeEach(async () => {
    fake = await FakeSystemctl.create()
  })
  afterEach(() => fake.dispose())

  const path = (name: string) => join(fake.folder, name)
  const unit = () => systemd.create(systemd.schema.parse({ unit: 'app', systemctl: fake.path }))
  const show = (...lines: readonly string[]) => fake.set('properties', lines.join('\n'))
  const variable = (file = path('env')): Place => ({ path: file, key: 'KEY', reads: 'environment' })
  const examine = async (verb: Verb, ...places: readonly Place[]) => {
    const remarks = (await unit().examine?.({ verb, places }, never)) ?? []
    return remarks.map(({ level, check, message }) => `${level} ${check} ${message}`)
  }

  it('finds nothing where the unit reads the file', async () => {
    show(`EnvironmentFiles=${path('env')} (ignore_errors=no)`, 'CanReload=yes')
    assert.deepEqual(await examine('restart', variable()), [])
  })

  it('finds a file that the unit does not read', async () => {
    show(`EnvironmentFiles=${path('other')} (ignore_errors=yes)`)
    assert.match(
      (await examine('restart', variable())).join(),
      /^warning variable-read app\.service has no EnvironmentFile=/,
    )
  })

  it('finds a later file that sets the variable again, and not an earlier one', async () => {
    writeFileSync(path('first'), 'KEY=old\n')
    writeFileSync(path('last'), '# KEY=no\n  KEY = "old"\n')
    const files = ['first', 'env', 'last'].map(
      (name) => `EnvironmentFiles=${path(name)} (ignore_errors=no)`,
    )
    show(...files)
    const [found, ...rest] = await examine('restart', variable())
    assert.deepEqual(rest, [])
    assert.match(found ?? '', /^failure variable-shadowed KEY is set again in .*\/last,/)
  })

  it('finds the variable in Environment=, and never says what it holds', async () => {
    const secret = 'hunter2hunter2'
    show(
      `EnvironmentFiles=${path('env')} (ignore_errors=no)`,
      `Environment=A=1 "KEY=${secret} two" "B=KEYS=3"`,
      'DropInPaths=/etc/systemd/system/app.service.d/override.conf',
    )
    const [found] = await examine('restart', variable())
    assert.match(
      found ?? '',
      /^warning variable-shadowed KEY is set by Environment= of app\.service/,
    )
    const remarks = await unit().examine?.({ verb: 'restart', places: [variable()] }, never)
    assert.match(remarks?.[0]?.hint ?? '', /override\.conf/)
    assert.ok(!JSON.stringify(remarks).includes(secret))
    assert.deepEqual(await examine('restart', { ...variable(), key: 'KEYS' }), [])
  })

  it('refuses a reload for what LoadCredential= copied at the start, and for a unit without one', async () => {
    show(`LoadCredential=key:${path('key')}`, 'CanReload=no')
    const place: Place = { path: path('key'), reads: 'file' }
    const found = await examine('reload', place)
    assert.match(found[0] ?? '', /^failure consumer-verb app\.service has no ExecReload=/)
    assert.match(found[1] ?? '', /^failure consumer-verb app\.service gets .* by LoadCredential=/)
    assert.deepEqual(await examine('restart', place), [])
  })

  it('finds unit files that were not read again, a failed unit, and homes that it does not see', async () => {
    fake.set('active', 'failed')
    show('NeedDaemonReload=yes', 'ProtectHome=tmpfs')
    const found = await examine('restart', { path: '/home/chat/key', reads: 'file' })
    assert.deepEqual(
      found.map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['warning consumer-unit', 'warning consumer-unit', 'failure readable-by-consumer'],
    )
  })

  it('commands nothing', async () => {
    show('NeedDaemonReload=yes')
    await examine('restart', variable())
    assert.deepEqual(fake.takeCalls(), [])
  })

  it('says as whom a file is opened', async () => {
    mkdirSync(path('data'))
    const file: Place = { path: path('data/key'), reads: 'file' }
    show('User=nobody', 'SupplementaryGroups=root 7')
    const account = await unit().account?.(file, never)
    assert.equal(account?.uid, 65_534)
    assert.ok([0, 7].every((gid) => account?.gids.includes(gid)))
    assert.equal((await unit().account?.(variable(), never))?.uid, 0, 'the manager reads it')
    show('User=nobody', `LoadCredential=key:${file.path}`)
    assert.equal((await unit().account?.(file, never))?.uid, 0)
    show('User=app', 'DynamicUser=yes')
    assert.equal(await unit().account?.(file, never), undefined)
    show('')
    assert.equal((await unit().account?.(file, never))?.uid, 0)
  })
})
