import assert from 'node:assert/strict'
import { mkdirSync, renameSync, symlinkSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { openHost } from '../../src/init/host.ts'
import { surveyHost } from '../../src/init/init.ts'
import { findRunners, findVariable, type Runner } from '../../src/init/runner.ts'
import { FakeDockerEngine } from '../fakes/fake-docker-engine.ts'
import { now, ScratchHost } from './scratch-host.ts'

const configPath = '/etc/rekeyd/rekeyd.yaml'

describe('where a service takes a variable from', () => {
  let scratch: ScratchHost
  let runners: readonly Runner[]

  const find = async (what: string, name: string) => {
    const runner = runners.find((one) => one.what === what)
    const found = runner && (await findVariable(openHost(scratch.root), runner, name))
    return found && ('inline' in found ? found : { path: found.path, key: found.key })
  }

  before(async () => {
    scratch = new ScratchHost().write({
      '/lib/systemd/system/a.service':
        '[Service]\nEnvironment="BOTH=unit" "ONLY=unit"\nEnvironmentFile=/etc/1.env\nEnvironmentFile=-/etc/2.env\n',
      '/etc/1.env': 'BOTH=one\nLATER=one\n',
      '/etc/2.env': 'LATER=two\nEMPTY=\n',
      '/srv/app/compose.yml':
        'services:\n  web:\n    env_file: [web.env]\n    environment:\n      BOTH: inline\n      FILLED: "${OTHER:-x}"\n      PASSED:\n',
      '/srv/app/web.env': 'BOTH=file\nONLY=file\n',
      '/srv/app/.env': 'OTHER=1\nPASSED=2\nUNUSED=3\n',
    })
    runners = await findRunners(openHost(scratch.root))
  })
  after(() => scratch.remove())

  it('is the last file with systemd, before the unit itself', async () => {
    assert.deepEqual(await find('a.service', 'BOTH'), { path: '/etc/1.env', key: 'BOTH' })
    assert.deepEqual(await find('a.service', 'LATER'), { path: '/etc/2.env', key: 'LATER' })
    assert.deepEqual(await find('a.service', 'ONLY'), { inline: 'unit' })
    assert.equal(await find('a.service', 'EMPTY'), undefined)
  })

  it('is the Compose file before its env_file, and .env for what it fills in', async () => {
    const web = 'web of /srv/app'
    assert.deepEqual(await find(web, 'BOTH'), { inline: 'inline' })
    assert.deepEqual(await find(web, 'ONLY'), { path: '/srv/app/web.env', key: 'ONLY' })
    assert.deepEqual(await find(web, 'FILLED'), { path: '/srv/app/.env', key: 'OTHER' })
    assert.deepEqual(await find(web, 'PASSED'), { path: '/srv/app/.env', key: 'PASSED' })
    assert.equal(await find(web, 'UNUSED'), undefined)
  })
})

describe('what init says it cannot do', () => {
  const survey = async (preset: string, files: Readonly<Record<string, string | Uint8Array>>) => {
    const scratch = new ScratchHost().write(files)
    try {
      return await surveyHost({ preset, root: scratch.root, configPath, now })
    } finally {
      scratch.remove()
    }
  }
  const unit = '[Service]\nExecStart=/usr/bin/qpc-server\n'
  const database = { '/var/lib/quicprochat/qpc.db': Buffer.alloc(4096, 7) }

  it('is a database key in the unit itself, where rekeyd does not write', async () => {
    const found = await survey('quicprochat', {
      ...database,
      '/lib/systemd/system/qpc-server.service': unit,
      '/etc/systemd/system/qpc-server.service.d/key.conf':
        '[Service]\nEnvironment=QPC_DB_KEY=s3cret-value\nEnvironment=QPC_AUTH_TOKEN=t0ken-value-of-sixteen\n',
      '/var/lib/quicprochat/opaque_setup.bin': Buffer.alloc(128, 1),
    })
    assert.deepEqual(
      found.materials.map(({ name }) => name),
      ['opaque-setup'],
    )
    assert.match(
      found.unknown.join('\n'),
      /database key: it is set in .+ itself.+\n.*auth token: QPC_AUTH_TOKEN is set in/,
    )
    assert.doesNotMatch(JSON.stringify(found) + found.text([]), /s3cret-value|t0ken-value/)
  })

  it('is a database that is not encrypted', async () => {
    const found = await survey('quicprochat', {
      '/var/lib/quicprochat/qpc.db': Buffer.concat([
        Buffer.from('SQLite format 3\0'),
        Buffer.alloc(84),
      ]),
    })
    assert.deepEqual(
      found.materials.map(({ name }) => name),
      ['opaque-setup', 'signing-key'],
    )
    assert.match(found.unknown.join('\n'), /is not encrypted.*|qpc-server\.service is assumed/)
  })

  it('is ntfy without web push keys, which is refused', async () => {
    const files = { '/etc/ntfy/server.yml': 'base-url: https://ntfy.example.com\n' }
    await assert.rejects(
      survey('ntfy', files),
      /ntfy is there .*, but nothing that could be rotated/,
    )
  })

  it('is a cluster that shares its secret: that one is replaced only after a leak', async () => {
    const found = await survey('quptime', {
      '/etc/quptime/node.yaml': 'node_id: a\ncluster_secret: c2VjcmV0\n',
      '/etc/quptime/cluster.yaml': 'peers: [{ node_id: a }, { node_id: b }]\n',
    })
    assert.equal(found.notBefore, undefined)
    assert.match(found.text([]), /cluster-secret:\n {4}kind: token\n {4}rotate: on_compromise/)
    assert.doesNotMatch(JSON.stringify(found) + found.text([]), /c2VjcmV0/)
  })

  it('is nothing for qu 0.2.0, which has no secret', async () => {
    const found = await survey('quptime', { '/etc/quptime/node.yaml': 'node_id: a\n' })
    assert.deepEqual(
      found.materials.map(({ name }) => name),
      ['node-identity'],
    )
  })
})

describe('Compose projects that only the Docker engine knows', () => {
  it('are found by its list, and it is asked for nothing else', async () => {
    const scratch = new ScratchHost().write({
      '/data/stacks/ntfy/compose.yaml':
        'services:\n  push:\n    image: binwiederhier/ntfy\n    volumes: ["./etc:/etc/ntfy"]\n    ports: ["127.0.0.1:2586:80"]\n',
      '/data/stacks/ntfy/etc/server.yml': 'web-push-public-key: B1\nweb-push-private-key: x1\n',
    })
    const engine = await FakeDockerEngine.start()
    engine.add('ntfy-push-1', { 'com.docker.compose.project.working_dir': '/data/stacks/ntfy' })
    mkdirSync(scratch.path('/run'))
    mkdirSync(scratch.path('/var'))
    symlinkSync('/run', scratch.path('/var/run'))
    renameSync(engine.socket, scratch.path('/run/docker.sock'))
    try {
      const survey = await surveyHost({ preset: 'ntfy', root: scratch.root, configPath, now })
      const text = survey.text([]).replaceAll(scratch.root, '')
      assert.match(
        text,
        /docker: \{ compose: \{ project_dir: \/data\/stacks\/ntfy, service: push \} \}/,
      )
      assert.match(
        text,
        /yaml: \{ path: \/data\/stacks\/ntfy\/etc\/server\.yml, pointer: \/web-push-private-key/,
      )
      assert.match(text, /http:\/\/127\.0\.0\.1:2586\/v1\/health/)
      assert.deepEqual(engine.calls, [])
    } finally {
      await engine.stop()
      scratch.remove()
    }
  })
})
