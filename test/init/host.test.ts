import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { assert as assertProperty, constantFrom, oneof, property, string } from 'fast-check'
import { parse } from 'yaml'
import { presets } from '../../src/init/catalog.ts'
import { type Host, openHost } from '../../src/init/host.ts'
import { surveyHost } from '../../src/init/init.ts'
import { findUnits } from '../../src/init/systemd-units.ts'
import { parseUnitFile, valuesOf, wordsOf } from '../../src/init/unit-file.ts'
import { flow } from '../../src/init/yaml-flow.ts'
import { hosts } from './hosts.ts'
import { now, ScratchHost } from './scratch-host.ts'

describe('the files of a host below a root', () => {
  let scratch: ScratchHost
  let outside: string
  let host: Host

  before(() => {
    outside = mkdtempSync(join(tmpdir(), 'rekeyd-outside-'))
    writeFileSync(join(outside, 'secret'), 'outside')
    scratch = new ScratchHost().write({
      '/etc/inside': 'inside',
      '/etc/huge': '',
      '/etc/binary': Buffer.of(0, 1, 255),
    })
    truncateSync(scratch.path('/etc/huge'), 1e12)
    symlinkSync(join(outside, 'secret'), scratch.path('/etc/absolute'))
    symlinkSync(`../../../../../../../..${outside}/secret`, scratch.path('/etc/climbing'))
    symlinkSync(outside, scratch.path('/etc/folder'))
    symlinkSync('/etc/inside', scratch.path('/etc/within'))
    symlinkSync('circle', scratch.path('/etc/circle'))
    execFileSync('mkfifo', [scratch.path('/etc/fifo')])
    host = openHost(scratch.root)
  })
  after(() => {
    scratch.remove()
    rmSync(outside, { recursive: true })
  })

  it('never lead out of it, by whatever links', () => {
    for (const path of [
      '/etc/absolute',
      '/etc/climbing',
      '/etc/folder/secret',
      `/../../..${outside}/secret`,
    ]) {
      assert.equal(host.bytes(path), undefined, path)
      assert.equal(host.stats(path), undefined, path)
    }
    assert.deepEqual(host.names('/etc/folder'), [])
  })

  it('are found through absolute links, as a process in there would', () => {
    assert.equal(host.text('/etc/within'), 'inside')
    assert.equal(host.text('/../etc/./inside'), 'inside')
  })

  it('are named by paths that lead to the same file from here', () => {
    assert.equal(host.here('/etc/inside'), scratch.path('/etc/inside'))
    assert.equal(host.here('/etc/within'), scratch.path('/etc/inside'))
    assert.equal(host.here('/etc/absent'), scratch.path('/etc/absent'))
  })

  it('are left alone when they are huge, binary, pipes or go in circles, and that is said', () => {
    for (const name of ['huge', 'binary', 'fifo', 'circle'])
      assert.equal(host.text(`/etc/${name}`), undefined)
    assert.equal(host.head('/etc/huge', 16)?.length, 16)
    assert.deepEqual(
      [...host.problems],
      [
        '/etc/huge is larger than 1 MiB',
        '/etc/binary is not text',
        '/etc/fifo is not a regular file',
      ],
    )
  })
})

describe('unit files', () => {
  it('go on after a backslash, over comments in between', () => {
    const text =
      '[Service]\nExecStart=/bin/a \\\n# no\n  b \\\n; neither\n  "c d"\nUser = x \n[Install]\nUser=y\n'
    const directives = parseUnitFile(text)
    assert.deepEqual(valuesOf(directives, 'Service', 'ExecStart').flatMap(wordsOf), [
      '/bin/a',
      'b',
      'c d',
    ])
    assert.deepEqual(valuesOf(directives, 'Service', 'User'), ['x'])
  })

  it('forget what stands before an empty assignment', () => {
    const directives = parseUnitFile(
      '[Service]\nEnvironment=A=1\nEnvironment=\nEnvironment=B=2 "C=3 4"',
    )
    assert.deepEqual(valuesOf(directives, 'Service', 'Environment').flatMap(wordsOf), [
      'B=2',
      'C=3 4',
    ])
  })

  it('of any content give words, and never throw', () => {
    assertProperty(
      property(string({ unit: 'binary' }), (text) => {
        for (const { value } of parseUnitFile(`[Service]\nExecStart=${text}`)) wordsOf(value)
      }),
    )
  })

  it('are hidden by those of an earlier folder, masked ones too, and changed by drop-ins in their order', () => {
    const scratch = new ScratchHost().write({
      '/lib/systemd/system/a.service': '[Service]\nUser=low\nExecStart=-/usr/bin/a\n',
      '/usr/lib/systemd/system/a.service': '[Service]\nUser=high\nExecStart=@!/usr/bin/a x\n',
      '/lib/systemd/system/masked.service': '[Service]\nExecStart=/bin/m\n',
      '/etc/systemd/system/a.service.d/20.conf': '[Service]\nUser=twenty\n',
      '/lib/systemd/system/a.service.d/10.conf':
        '[Service]\nUser=ten\nEnvironmentFile=-/etc/a.env\n',
    })
    symlinkSync('/dev/null', scratch.path('/etc/systemd/system/masked.service'))
    const units = findUnits(openHost(scratch.root))
    scratch.remove()
    assert.deepEqual([...units.keys()], ['a.service'])
    const { user, command, environmentFiles } = units.get('a.service')!
    assert.deepEqual(
      [user, command, environmentFiles],
      ['twenty', ['/usr/bin/a', 'x'], ['/etc/a.env']],
    )
  })
})

describe('YAML in one line', () => {
  it('is read back as what it was, whatever the text', () => {
    const scalar = oneof(
      string({ unit: 'binary' }),
      string(),
      constantFrom('yes', '0644', '1e3', '-', '12:30', '~', 'null', '30d', '=', '<<'),
    )
    assertProperty(
      property(scalar, scalar, (one, other) => {
        if (!one.isWellFormed() || !other.isWellFormed()) return
        const value = { key: one, list: [other, { [`k${one}`]: other }] }
        for (const version of ['1.1', '1.2'] as const) {
          assert.deepEqual(parse(flow(value), { version }), value)
        }
      }),
    )
  })
})

describe('a hostile host', () => {
  for (const preset of Object.keys(presets).filter((name) => name !== 'generic')) {
    it(`gives ${preset} a config or a clear error within seconds, whichever file is damaged`, async () => {
      const host = await hosts[preset]!()
      const files = readdirSync(host.root, { recursive: true, encoding: 'utf8' })
        .map((name) => join(host.root, name))
        .filter((path) => lstatSync(path).isFile())
      try {
        for (const file of files) {
          for (const damage of [
            '',
            '\0\xff\xfe',
            '{'.repeat(9_000),
            '%YAML 9\n&a [*a',
            '[Service]\nExecStart="\\\n',
          ]) {
            const sound = readFileSync(file)
            writeFileSync(file, damage, 'latin1')
            try {
              const survey = await surveyHost({
                preset,
                root: host.root,
                configPath: '/etc/rekeyd/rekeyd.yaml',
                now,
              })
              assert.ok(survey.text([]).includes('materials:'))
            } catch (error) {
              assert.equal(
                (error as Error).name,
                'OperatorError',
                `${file}: ${String((error as Error).stack)}`,
              )
            }
            writeFileSync(file, sound)
          }
        }
      } finally {
        host.remove()
      }
    })
  }

  it('with files that may not be read says so', () => {
    const scratch = new ScratchHost().write({ '/etc/ntfy/server.yml': 'a: 1\n' }, 0o000)
    mkdirSync(scratch.path('/closed'))
    chmodSync(scratch.path('/closed'), 0)
    chmodSync(scratch.root, 0o755)
    const root = process.geteuid?.() === 0
    try {
      if (root) process.seteuid?.(65_534)
      const host = openHost(scratch.root)
      assert.deepEqual([host.names('/closed'), host.text('/etc/ntfy/server.yml')], [[], undefined])
      const problems = [
        '/closed may not be listed by this user',
        '/etc/ntfy/server.yml may not be read by this user',
      ]
      assert.deepEqual([...host.problems], problems)
    } finally {
      if (root) process.seteuid?.(0)
      scratch.remove()
    }
  })
})
