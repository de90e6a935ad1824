import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { FakeDockerEngine } from '../../fakes/fake-docker-engine.ts'
import { DockerEngine } from '../../support/docker-engine.ts'
import { needs } from '../../support/parts.ts'

describe('fake Docker engine', needs('docker'), () => {
  it('answers as the real one does', async () => {
    await using ends = new AsyncDisposableStack()
    const fake = await FakeDockerEngine.start()
    ends.defer(() => fake.stop())
    const real = await DockerEngine.start()
    ends.defer(() => real.stop())
    const chat = fake.add('chat')
    fake.add('chat-2')
    await real.run('chat')
    await real.run('chat-2')
    const pause = () => real.docker('pause', 'chat')
    assert.deepEqual(
      await answers(fake.socket, async () => void (chat.State = 'paused')),
      await answers(real.socket, async () => void (await pause())),
    )
  })
})

interface Listed {
  readonly Id: string
  readonly Names: readonly string[]
  readonly State: string
  readonly Labels: object
}

/** What an engine says to every request that rekeyd sends, in every state that matters. */
async function answers(socket: string, pause: () => Promise<void>): Promise<readonly unknown[]> {
  const { body } = await ask(socket, 'GET', '/version')
  const { ApiVersion } = JSON.parse(body) as { ApiVersion: string }
  const said: unknown[] = []
  for (const version of ['1.1', '1.99']) {
    said.push((await ask(socket, 'GET', `/v${version}/containers/json`)).status)
  }
  const list = async (name: string) => {
    const filters = encodeURIComponent(JSON.stringify({ name: [name] }))
    const path = `/v${ApiVersion}/containers/json?all=1&filters=${filters}`
    const found = JSON.parse((await ask(socket, 'GET', path)).body) as Listed[]
    return found.toSorted((a, b) => (String(a.Names) < String(b.Names) ? -1 : 1))
  }
  for (const name of ['chat', '^/chat$', '^chat$', '^hat', '^/Chat$', 'nobody']) {
    said.push((await list(name)).map(({ Names, State, Labels }) => ({ Names, State, Labels })))
  }
  const [{ Id } = { Id: '' }] = await list('^/chat$')
  for (const [id, action, before] of [
    [Id, 'start'],
    [Id, 'kill?signal=SIGUSR1'],
    [Id, 'kill?signal=SIGNONE'],
    [Id, 'stop'],
    [Id, 'stop'],
    [Id, 'kill?signal=SIGUSR1'],
    [Id, 'restart'],
    [Id, 'start', pause],
    [Id, 'restart'],
    [Id, 'stop', pause],
    [Id, 'start'],
    ['0'.repeat(64), 'start'],
  ] as const) {
    await before?.()
    const { status } = await ask(socket, 'POST', `/v${ApiVersion}/containers/${id}/${action}`)
    const [chat] = await list('^/chat$')
    said.push([action, status, chat?.State])
  }
  return said
}

async function ask(socketPath: string, method: string, path: string) {
  const question = request({ socketPath, method, path, agent: false }).end()
  const [answer] = (await once(question, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, body: await text(answer) }
}
