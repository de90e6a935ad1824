import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { docker } from '../../../src/consumers/docker/docker.ts'
import { describeConsumer, place } from '../../contracts/consumer.ts'
import { FakeDockerEngine } from '../../fakes/fake-docker-engine.ts'

const never = new AbortController().signal
const create = (options: unknown) => docker.create(docker.schema.parse(options))

function labelsOf(folder: string, service: string, more = {}): Record<string, string> {
  const labels = {
    project: 'chat',
    service,
    oneoff: 'False',
    'project.working_dir': folder,
    ...more,
  }
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [`com.docker.compose.${name}`, value]),
  )
}

describeConsumer('docker', async () => {
  const engine = await FakeDockerEngine.start()
  const container = engine.add('chat')
  return {
    consumer: create({ container: 'chat', socket: engine.socket }),
    isRunning: () => container.State === 'running',
    dispose: () => engine.stop(),
  }
})

describe('docker consumer', () => {
  let engine: FakeDockerEngine
  beforeEach(async () => {
    engine = await FakeDockerEngine.start()
  })
  afterEach(() => engine.stop())

  const consumerOf = (name: string) => create({ container: name, socket: engine.socket })

  it('acts on the container of exactly that name', async () => {
    const others = ['chat-2', 'my-chat', 'Chat'].map((name) => engine.add(name))
    await assert.rejects(consumerOf('chat').check(never), /no container chat/)
    const chat = engine.add('chat')
    await consumerOf('chat').stop(never)
    assert.equal(chat.State, 'exited')
    assert.ok(others.every(({ State }) => State === 'running'))
    await assert.rejects(consumerOf(chat.Id.slice(0, 12)).check(never), /no container/)
  })

  it('does not take a pattern for a name', () => {
    for (const container of ['.*', 'a|b', '', '-x', 'a/b', 'a?b']) {
      assert.equal(docker.schema.safeParse({ container }).success, false, container)
    }
    assert.equal(docker.schema.safeParse({}).success, false)
    const compose = { project_dir: '/srv/chat', service: 'server' }
    assert.equal(docker.schema.safeParse({ container: 'a', compose }).success, false)
  })

  it('speaks the newest version that both sides know', async () => {
    const { Id } = engine.add('chat')
    for (const [theirs, spoken] of [
      ['1.9', '1.9'],
      ['1.41', '1.41'],
      ['1.99', '1.47'],
    ] as const) {
      engine.version = { ApiVersion: theirs }
      await consumerOf('chat').apply('restart', never)
      assert.equal(engine.calls.pop(), `POST /v${spoken}/containers/${Id}/restart`)
    }
    engine.version = { ApiVersion: '2.1', MinAPIVersion: '2.0' }
    await assert.rejects(consumerOf('chat').check(never), /wants version 2\.0/)
  })

  it('signals', async () => {
    const { Id } = engine.add('chat')
    await create({ container: 'chat', socket: engine.socket, signal: 'SIGUSR1' }).apply(
      'signal',
      never,
    )
    assert.deepEqual(engine.calls, [`POST /v1.41/containers/${Id}/kill?signal=SIGUSR1`])
    await consumerOf('chat').stop(never)
    await assert.rejects(consumerOf('chat').apply('signal', never), /could not kill container chat/)
  })

  it('says when the container runs again right after it was stopped', async () => {
    const chat = engine.add('chat')
    Object.defineProperty(chat, 'State', { get: () => 'running', set: () => {}, enumerable: true })
    await assert.rejects(consumerOf('chat').stop(never), /runs again/)
  })

  it('does not fall for hostile answers', async () => {
    engine.add('chat')
    const id = 'a'.repeat(64)
    const list = (body: unknown) => JSON.stringify(body)
    for (const body of [
      '',
      '{"canary',
      '{}',
      'null',
      list([{}]),
      list([{ Id: '../../x', Names: ['/chat'], State: 'running' }]),
      list([{ Id: id, Names: '/chat', State: 'running' }]),
    ]) {
      engine.instead = (_, reply) => reply.end(body)
      await assert.rejects(consumerOf('chat').check(never), (error: Error) => {
        return /cannot be understood/.test(error.message) && !error.message.includes('canary')
      })
    }
    engine.instead = (_, reply) =>
      reply.end(list([{ Id: id, Names: ['/chat-2'], State: 'running' }]))
    await assert.rejects(consumerOf('chat').check(never), /no container chat/)
    for (const status of [400, 404, 409, 500]) {
      engine.instead = (_, reply) => reply.writeHead(status).end('{"message":"canary"}')
      await assert.rejects(consumerOf('chat').check(never), new RegExp(`answered ${status}`))
    }
  })

  it('takes no other container for the one that is named, nor two for one', async () => {
    const entry = (id: string, ...Names: readonly string[]) => {
      return { Id: id.repeat(64), Names, State: 'running', Labels: {} }
    }
    const cases: readonly (readonly [RegExp, ...ReturnType<typeof entry>[]])[] = [
      [/cannot be understood/, entry('a', 'xchat')],
      [/cannot be understood/, entry('a', '/\u001b[2Jchat')],
      [/lists one container twice/, entry('a', '/chat'), entry('a', '/chat')],
      [/two containers of the name chat/, entry('a', '/chat'), entry('b', '/chat')],
    ]
    for (const [refusal, ...entries] of cases) {
      engine.instead = ({ method }, reply) => {
        assert.equal(method, 'GET')
        reply.end(JSON.stringify(entries))
      }
      await assert.rejects(consumerOf('chat').stop(never), refusal)
    }
  })

  it('does not take a state that nobody knows for stopped', async () => {
    const chat = engine.add('chat')
    Object.defineProperty(chat, 'State', { get: () => 'asleep', set: () => {}, enumerable: true })
    await assert.rejects(consumerOf('chat').stop(never), /container chat is not stopped/)
  })

  it('does not take "not modified" for a restart', async () => {
    engine.add('chat')
    engine.instead = (question, reply) => {
      if (question.method === 'POST') return void reply.writeHead(304).end()
      reply.end(JSON.stringify(engine.containers))
    }
    await assert.rejects(consumerOf('chat').apply('restart', never), /status 304/)
    await consumerOf('chat').start(never)
  })

  it('does not wait for ever for an engine that wants to speak another protocol', async () => {
    engine.add('chat')
    engine.instead = (_, reply) => {
      const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp'
      reply.socket?.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n\r\n`)
    }
    await assert.rejects(consumerOf('chat').check(never), /cannot be reached/)
  })

  it('stops reading an endless answer', async () => {
    engine.instead = (_, reply) => {
      const more = () => reply.write(Buffer.alloc(262_144, ' ')) && setImmediate(more)
      reply.on('drain', more)
      more()
    }
    await assert.rejects(consumerOf('chat').check(never), /is too long/)
  })

  it('can be aborted while the engine hangs', async () => {
    engine.instead = () => {}
    await assert.rejects(consumerOf('chat').check(AbortSignal.timeout(50)))
  })

  it('names the socket when there is no engine', async () => {
    const consumer = create({ container: 'chat', socket: '/no/such.sock' })
    await assert.rejects(consumer.check(never), /\/no\/such\.sock cannot be reached \(ENOENT\)/)
  })

  it('cannot give a container another environment', async () => {
    engine.add('chat')
    const consumer = consumerOf('chat')
    for (const verb of ['restart', 'recreate', 'stop-start'] as const) {
      assert.equal(consumer.picksUp(verb, place('environment')), false)
    }
    await assert.rejects(consumer.apply('recreate', never), { kind: 'config' })
  })
})

describe('docker consumer of a compose service', () => {
  let engine: FakeDockerEngine
  let project: string
  beforeEach(async () => {
    engine = await FakeDockerEngine.start()
    project = join(engine.folder, 'chat')
    mkdirSync(project)
    writeFileSync(
      join(engine.folder, 'compose'),
      '#!/bin/sh\nhere=${0%/*}\n[ -e "$here/broken" ] && exit 1\n{ echo "$*"; pwd; echo "$DOCKER_HOST"; } >"$here/called"\n',
      { mode: 0o700 },
    )
  })
  afterEach(() => engine.stop())

  const consumer = (more = {}) =>
    create({
      socket: engine.socket,
      compose: {
        project_dir: project,
        service: 'server',
        command: [join(engine.folder, 'compose')],
        ...more,
      },
    })
  const called = async () =>
    (await readFile(join(engine.folder, 'called'), 'utf8')).trim().split('\n')

  it('acts on the containers of that service in that project', async () => {
    const ours = [1, 2].map((n) => engine.add(`chat-server-${n}`, labelsOf(project, 'server')))
    const others = [
      engine.add('chat-db-1', labelsOf(project, 'db')),
      engine.add('else-server-1', labelsOf('/srv/else', 'server', { project: 'else' })),
      engine.add('chat-server-run', labelsOf(project, 'server', { oneoff: 'True' })),
      engine.add('server'),
    ]
    await consumer().stop(never)
    assert.ok(ours.every(({ State }) => State === 'exited'))
    assert.ok(others.every(({ State }) => State === 'running'))
  })

  it('recreates and starts by compose up of that one service', async () => {
    engine.add('chat-server-1', labelsOf(project, 'server'))
    for (const act of [
      () => consumer().apply('recreate', never),
      () => consumer().start(never),
      () => consumer().apply('stop-start', never),
    ]) {
      await act()
      assert.deepEqual(await called(), [
        'up -d --no-deps server',
        project,
        `unix://${engine.socket}`,
      ])
    }
    await consumer({ project: 'chat', file: '/srv/c.yml' }).apply('recreate', never)
    assert.equal((await called())[0], '-p chat -f /srv/c.yml up -d --no-deps server')
  })

  it('is refused by the check when compose does not understand the project', async () => {
    engine.add('chat-server-1', labelsOf(project, 'server'))
    await consumer().check(never)
    assert.equal((await called())[0], 'config --quiet')
    writeFileSync(join(engine.folder, 'broken'), '')
    await assert.rejects(consumer().check(never), {
      message: `compose does not understand the project in ${project}`,
    })
  })

  it('says which command to try when compose fails', async () => {
    writeFileSync(join(engine.folder, 'broken'), '')
    await assert.rejects(consumer().apply('recreate', never), {
      message: 'compose could not bring up server',
      hint: new RegExp(`compose up -d --no-deps server\` in ${project}$`),
    })
  })

  it('restarts by the engine, which does not change the environment', async () => {
    const { Id } = engine.add('chat-server-1', labelsOf(project, 'server'))
    await consumer().apply('restart', never)
    assert.deepEqual(engine.calls, [`POST /v1.41/containers/${Id}/restart`])
    assert.equal(consumer().picksUp('restart', place('environment')), false)
    assert.equal(consumer().picksUp('recreate', place('environment')), true)
    assert.equal(consumer().picksUp('stop-start', place('environment')), true)
    assert.equal(consumer().picksUp('restart', place('file')), true)
  })

  it('misses a service that was never brought up', async () => {
    await assert.rejects(consumer().check(never), /no container of service server/)
  })
})
