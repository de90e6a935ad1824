import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, describe, it } from 'node:test'
import { docker } from '../../../src/consumers/docker/docker.ts'
import { describeConsumer } from '../../contracts/consumer.ts'
import { DockerEngine } from '../../support/docker-engine.ts'
import { needs } from '../../support/parts.ts'

const never = new AbortController().signal
const create = (options: unknown) => docker.create(docker.schema.parse(options))

describe('docker consumer on a real engine', needs('docker'), () => {
  let engine: DockerEngine
  before(async () => {
    engine = await DockerEngine.start()
  })
  after(() => engine.stop())
  afterEach(async () => {
    const left = (await engine.docker('ps', '-aq')).split('\n').filter(Boolean)
    if (left.length > 0) await engine.docker('rm', '-f', ...left)
  })

  const consumerOf = (container: string, more = {}) =>
    create({ container, socket: engine.socket, ...more })

  describeConsumer('docker, really', async () => {
    await engine.run('chat')
    return {
      consumer: consumerOf('chat'),
      isRunning: async () => (await engine.stateOf('chat')) === 'running',
      dispose: async () => void (await engine.docker('rm', '-f', 'chat')),
    }
  })

  it('touches no neighbour whose name or id begins alike', async () => {
    const neighbours = ['chat-2', 'chat.old', 'my-chat', 'Chat']
    for (const name of ['chat', ...neighbours]) await engine.run(name)
    const starts = () => Promise.all(neighbours.map((name) => engine.startOf(name)))
    const before = await starts()
    const chat = consumerOf('chat')
    await chat.stop(never)
    assert.equal(await engine.stateOf('chat'), 'exited')
    await chat.start(never)
    await engine.says('chat', 'started', 2)
    await chat.apply('restart', never)
    await engine.says('chat', 'started', 3)
    await chat.apply('stop-start', never)
    await engine.says('chat', 'started', 4)
    assert.deepEqual(await starts(), before)
    for (const name of neighbours) assert.equal(await engine.stateOf(name), 'running')
    const id = await engine.docker('inspect', '-f', '{{.Id}}', 'chat')
    for (const begin of [id, id.slice(0, 12), 'cha', 'hat', 'c.at', 'CHAT']) {
      await assert.rejects(consumerOf(begin).stop(never), /there is no container/)
    }
  })

  it('sends the signal that is named, to the process inside', async () => {
    await engine.run('chat')
    await engine.run('chat-2')
    const start = await engine.startOf('chat')
    await consumerOf('chat', { signal: 'SIGUSR1' }).apply('signal', never)
    await engine.says('chat', 'got USR1')
    assert.equal(await engine.startOf('chat'), start)
    assert.doesNotMatch(await engine.docker('logs', 'chat-2'), /got/)
    await consumerOf('chat', { signal: 'SIGTERM' }).apply('signal', never)
    await engine.docker('wait', 'chat')
    assert.equal(await engine.stateOf('chat-2'), 'running')
  })

  it('cannot signal what does not run', async () => {
    await engine.run('chat')
    await consumerOf('chat').stop(never)
    await assert.rejects(consumerOf('chat').apply('signal', never), {
      message: 'Docker could not kill container chat: its state does not allow it',
      hint: 'see docker logs chat',
    })
  })

  it('makes Docker forget to restart a container by a signal, as the option says', async () => {
    const crash = () => engine.docker('exec', 'signalled', 'kill', '-TERM', '1').catch(() => {})
    await engine.run('signalled', '--restart', 'always')
    await crash()
    await engine.isStarted('signalled', 2)
    await engine.says('signalled', 'started', 2)
    await consumerOf('signalled', { signal: 'SIGUSR1' }).apply('signal', never)
    await engine.says('signalled', 'got USR1')
    await crash()
    await engine.docker('wait', 'signalled')
    assert.equal(await engine.stateOf('signalled'), 'exited')
  })

  it('stops what Docker would always restart', async () => {
    await engine.run('chat', '--restart', 'always')
    await consumerOf('chat').stop(never)
    assert.equal(await engine.stateOf('chat'), 'exited')
  })

  it('stops and restarts what is paused', async () => {
    await engine.run('chat')
    await engine.docker('pause', 'chat')
    await consumerOf('chat').apply('restart', never)
    assert.equal(await engine.stateOf('chat'), 'running')
    await engine.docker('pause', 'chat')
    await consumerOf('chat').stop(never)
    assert.equal(await engine.stateOf('chat'), 'exited')
  })

  it('ends the wait for a slow stop when told to', async () => {
    await engine.docker(
      'run',
      '-d',
      '--network',
      'none',
      '--name',
      'chat',
      'scratch',
      'sleep',
      '60',
    )
    await assert.rejects(consumerOf('chat').stop(AbortSignal.timeout(200)), {
      message: 'container chat did not stop in time',
      hint: 'raise `timeouts` of the consumer, or see docker logs chat',
    })
    assert.equal(await engine.stateOf('chat'), 'running')
  })

  it('cannot change the environment of a container that docker run made', async () => {
    const file = join(engine.folder, 'chat.env')
    writeFileSync(file, 'TOKEN=one\n')
    await engine.run('chat', '--env-file', file)
    writeFileSync(file, 'TOKEN=two\n')
    await consumerOf('chat').apply('stop-start', never)
    assert.match(await engine.docker('exec', 'chat', 'env'), /^TOKEN=one$/m)
    await assert.rejects(consumerOf('chat').apply('recreate', never), { kind: 'config' })
  })

  it('speaks a version of the API that the engine knows', async () => {
    await engine.run('chat')
    await consumerOf('chat').apply('restart', never)
    const theirs = await engine.docker('version', '-f', '{{.Server.APIVersion}}')
    const spoken = Number(theirs.split('.')[1]) < 47 ? theirs : '1.47'
    assert.match(engine.log, new RegExp(`POST /v${spoken}/containers/[0-9a-f]{64}/restart`))
  })

  it('names the container, the socket or the permission that is missing', async () => {
    await assert.rejects(consumerOf('chat').check(never), {
      message: 'there is no container chat',
      hint: 'see docker ps -a for its exact name',
    })
    const elsewhere = join(engine.folder, 'no.sock')
    await assert.rejects(create({ container: 'chat', socket: elsewhere }).check(never), {
      message: `the Docker engine at ${elsewhere} cannot be reached (ENOENT)`,
    })
    const file = join(engine.folder, 'daemon.json')
    await assert.rejects(create({ container: 'chat', socket: file }).check(never), {
      message: `the Docker engine at ${file} cannot be reached (ECONNREFUSED)`,
    })
    const containerd = join(engine.folder, 'exec/containerd/containerd.sock')
    await assert.rejects(create({ container: 'chat', socket: containerd }).check(never), {
      message: `the Docker engine at ${containerd} cannot be reached (HPE_INVALID_CONSTANT)`,
    })
    await assert.rejects(
      asNobody(engine, () => consumerOf('chat').check(never)),
      {
        message: `the Docker socket ${engine.socket} may not be used: not permitted`,
        kind: 'refused',
      },
    )
  })
})

/** As a user who is in no group that may use the socket; root would get through. */
async function asNobody<T>(engine: DockerEngine, act: () => Promise<T>): Promise<T> {
  chmodSync(engine.folder, 0o711)
  chmodSync(engine.socket, 0o600)
  process.seteuid?.(65_534)
  try {
    return await act()
  } finally {
    process.seteuid?.(0)
  }
}
