import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { composeUp, findCompose } from '../../../src/consumers/docker/compose.ts'
import { docker } from '../../../src/consumers/docker/docker.ts'
import { file } from '../../../src/targets/file.ts'
import { describeConsumer } from '../../contracts/consumer.ts'
import { DockerEngine, image } from '../../support/docker-engine.ts'
import { targetContext } from '../../support/file-place.ts'
import { needs } from '../../support/parts.ts'
import { testEdition } from '../../support/test-edition.ts'

const execute = promisify(execFile)
const never = new AbortController().signal
const repository = join(import.meta.dirname, '../../..')

describe('docker consumer of a service of real compose', needs('docker'), () => {
  let engine: DockerEngine
  let project: string
  before(async () => {
    engine = await DockerEngine.start()
    project = join(engine.folder, 'chat')
  })
  after(() => engine.stop())

  const path = (name: string) => join(project, name)
  const options = (service: string) => ({ project_dir: project, service })
  const consumerOf = (service: string) =>
    docker.create(docker.schema.parse({ socket: engine.socket, compose: options(service) }))
  const nameOf = async (service: string, folder = project) => {
    const labels = [`service=${service}`, `project.working_dir=${folder}`]
    const filters = labels.flatMap((label) => ['--filter', `label=com.docker.compose.${label}`])
    return engine.docker('ps', '-a', ...filters, '--format', '{{.Names}}')
  }
  const inside = async (service: string, ...argv: readonly string[]) =>
    engine.docker('exec', await nameOf(service), ...argv)
  const tokenOf = (service: string) => inside(service, 'sh', '-c', 'echo "$TOKEN $FROM_DOT_ENV"')

  beforeEach(async () => {
    mkdirSync(path('secrets'), { recursive: true })
    writeFileSync(path('secrets/value'), 'one')
    writeFileSync(path('chat.env'), 'TOKEN=one\n')
    writeFileSync(path('.env'), 'DOT=one\n')
    writeFileSync(path('docker-compose.yml'), composeFile())
    const [program = '', ...args] = await findCompose(options('server'), never)
    await execute(program, [...args, 'up', '-d'], { env: engine.environment, cwd: project })
  })

  describeConsumer('docker compose, really', async () => ({
    consumer: consumerOf('server'),
    isRunning: async () => (await engine.stateOf(await nameOf('server'))) === 'running',
    dispose: async () => {},
  }))

  it('is found as a plug-in or as the separate program', async () => {
    const argv = await findCompose(options('server'), never)
    assert.match(argv.join(' '), /^\/usr\/(local\/)?bin\/(docker compose|docker-compose)$/)
  })

  it('keeps the old environment after a restart, and has the new one after recreate', async () => {
    const neighbour = await engine.startOf(await nameOf('server-2'))
    writeFileSync(path('chat.env'), 'TOKEN=two\n')
    writeFileSync(path('.env'), 'DOT=two\n')
    await consumerOf('server').apply('restart', never)
    assert.equal(await tokenOf('server'), 'one one')
    await consumerOf('server').apply('recreate', never)
    assert.equal(await tokenOf('server'), 'two two')
    assert.equal(await engine.startOf(await nameOf('server-2')), neighbour)
    assert.equal(await tokenOf('server-2'), 'one one')
  })

  it('has the new environment after stop and start, too', async () => {
    await consumerOf('server').stop(never)
    writeFileSync(path('chat.env'), 'TOKEN=two\n')
    await consumerOf('server').start(never)
    assert.equal(await tokenOf('server'), 'two one')
  })

  it('leaves the same service of another project alone', async () => {
    const elsewhere = join(engine.folder, 'else')
    mkdirSync(elsewhere)
    for (const name of ['chat.env', '.env']) writeFileSync(join(elsewhere, name), 'TOKEN=other\n')
    writeFileSync(join(elsewhere, 'docker-compose.yml'), composeFile())
    await composeUp({ project_dir: elsewhere, service: 'server' }, engine.socket, never)
    await consumerOf('server').stop(never)
    assert.equal(await engine.stateOf(await nameOf('server', elsewhere)), 'running')
  })

  it('says which service or project has no container', async () => {
    await assert.rejects(consumerOf('serve').check(never), {
      message: `there is no container of service serve of ${project}`,
    })
    await assert.rejects(composeUp(options('serve'), engine.socket, never), {
      message: 'compose could not bring up serve',
    })
  })

  it('shows a replaced file at once where its folder is mounted, after a restart where it alone is', async () => {
    const target = file.create(file.schema.parse({ path: path('secrets/value') }), targetContext)
    const move = { rotation: 'one', edition: testEdition(2, 'two') }
    await target.activate(move, await target.stage(move, never), never)
    assert.equal(await inside('server', 'cat', '/secrets/value'), 'two')
    assert.equal(await inside('server', 'cat', '/alone'), 'one')
    await consumerOf('server').apply('restart', never)
    assert.equal(await inside('server', 'cat', '/alone'), 'two')
  })

  it('refuses a file that is mounted by itself where rekeyd runs, and says what to mount', async () => {
    const write = async (at: string) => {
      const { stdout } = await execute(
        'docker',
        ['run', '--rm', '--network', 'none', ...mounts(project), image, ...sidecar(at)],
        { env: engine.environment },
      )
      return stdout.trim()
    }
    assert.equal(await write('/secrets/value'), 'written')
    assert.equal(await inside('server', 'cat', '/secrets/value'), 'two')
    assert.equal(
      await write('/etc/chat/alone'),
      '/etc/chat/alone is mounted as a single file and cannot be replaced: mount the folder /etc/chat instead',
    )
  })
})

function composeFile(): string {
  const service = `
    image: ${image}
    network_mode: none
    stop_grace_period: 1s
    env_file: [chat.env]
    environment: { FROM_DOT_ENV: "$DOT" }
    volumes: ["./secrets:/secrets", "./secrets/value:/alone"]`
  return `version: "3"\nservices:\n  server:${service}\n  server-2:${service}\n`
}

/** The programs and libraries of this host, rekeyd, and a file both ways. */
function mounts(project: string): readonly string[] {
  const host = ['/usr', '/lib', '/lib64', repository].map((path) => `${path}:${path}:ro`)
  const secrets = [`${project}/secrets:/secrets`, `${project}/secrets/value:/etc/chat/alone`]
  return [...host, ...secrets].flatMap((mount) => ['-v', mount])
}

/** rekeyd's file target in a container: writes `two`, and says how it went. */
function sidecar(path: string): readonly string[] {
  const script = `
    import { file } from '${repository}/src/targets/file.ts'
    import { targetContext } from '${repository}/test/support/file-place.ts'
    import { testEdition } from '${repository}/test/support/test-edition.ts'
    const never = new AbortController().signal
    const target = file.create(file.schema.parse({ path: '${path}' }), targetContext)
    const move = { rotation: 'two', edition: testEdition(2, 'two') }
    try {
      await target.check(never)
      await target.activate(move, await target.stage(move, never), never)
      console.log('written')
    } catch ({ message, hint }) {
      console.log(message + ': ' + hint)
    }`
  return [process.execPath, '--input-type=module', '-e', script]
}
