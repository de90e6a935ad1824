import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { composeUp } from '../../../src/consumers/docker/compose.ts'
import { openRekeyd, type ScratchRekeyd } from '../../scenarios/scratch-rekeyd.ts'
import { DockerEngine, image } from '../../support/docker-engine.ts'
import { needs } from '../../support/parts.ts'

const service = 'server'
const container = 'chat'

describe('rotation of a token of a compose service', needs('docker'), () => {
  let engine: DockerEngine
  let project: string
  let rekeyd: ScratchRekeyd
  before(async () => {
    engine = await DockerEngine.start()
  })
  after(() => engine.stop())

  const path = (name: string) => join(project, name)
  const write = (name: string, content: string, mode = 0o600) =>
    writeFileSync(path(name), content, { mode })
  const inUse = () => engine.docker('exec', container, 'sh', '-c', 'echo "$TOKEN"')
  const written = () => /^TOKEN=(.*)$/m.exec(readFileSync(path('chat.env'), 'utf8'))?.[1]
  const idOf = () => engine.docker('inspect', '-f', '{{.Id}}', container)

  beforeEach(async () => {
    project = mkdtempSync(join(engine.folder, 'chat-'))
    mkdirSync(path('gate'))
    write('chat.env', '# kept\nOTHER=as it was\nTOKEN=first-token\n')
    write('docker-compose.yml', composeFile)
    write('ask', inContainer(engine, '[ "$(cat)" = "$TOKEN" ]', '<&3'), 0o700)
    write('up', inContainer(engine, 'true', '</dev/null'), 0o700)
    const signal = AbortSignal.timeout(30_000)
    await composeUp({ project_dir: project, service }, engine.socket, signal)
  })
  afterEach(async () => {
    await rekeyd.close()
    await engine.docker('rm', '-f', container)
  })

  for (const dialect of ['compose', 'docker']) {
    it(`reaches the container that compose makes anew, by an env target of dialect ${dialect}`, async () => {
      rekeyd = await openRekeyd(project, config(engine, project, dialect))
      const [before, id] = [await inUse(), await idOf()]
      assert.equal(before, 'first-token')
      await rekeyd.renew('chat-token')
      const now = await inUse()
      assert.match(now, /^[\w-]{43}$/)
      assert.equal(now, written())
      assert.notEqual(await idOf(), id)
      assert.match(await engine.docker('exec', container, 'env'), /^OTHER=as it was$/m)
      await rekeyd.renew('chat-token')
      assert.notEqual(await inUse(), now)
      assert.equal(await inUse(), written())
    })
  }

  it('gives the old token back when the container does not come up with the new one', async () => {
    rekeyd = await openRekeyd(project, config(engine, project, 'compose'))
    const before = readFileSync(path('chat.env'), 'utf8')
    write('gate/only', 'first-token')
    const { result } = await rekeyd.rotate('chat-token')
    assert.equal(result, 'rolled_back')
    assert.equal(await inUse(), 'first-token')
    assert.equal(readFileSync(path('chat.env'), 'utf8'), before)
    assert.deepEqual(await rekeyd.active(), { 'chat-token': 1 })
  })

  it('changes nothing when compose is broken', async () => {
    rekeyd = await openRekeyd(project, config(engine, project, 'compose'))
    const id = await idOf()
    write('docker-compose.yml', 'services: [')
    const { result, detail } = await rekeyd.rotate('chat-token')
    assert.equal(result, 'failed')
    assert.equal(detail, `compose does not understand the project in ${project}`)
    assert.equal(written(), 'first-token')
    assert.equal(await inUse(), 'first-token')
    assert.equal(await idOf(), id)
  })
})

const composeFile = `version: "3"
services:
  ${service}:
    image: ${image}
    container_name: ${container}
    network_mode: none
    stop_grace_period: 1s
    env_file: [chat.env]
    volumes: ["./gate:/gate"]
`

/** A program that lets the shell in the container answer, with the exit status of rekeyd's contract. */
function inContainer(engine: DockerEngine, question: string, input: string): string {
  const { PATH, HOME, DOCKER_HOST } = engine.environment
  return `#!/bin/sh
export PATH='${PATH}' HOME='${HOME}' DOCKER_HOST='${DOCKER_HOST}'
docker exec -i ${container} sh -c '${question}' ${input} >/dev/null 2>&1 || exit 1
`
}

/** The verb is the least: rekeyd knows that a restart would not be enough. */
function config(engine: DockerEngine, project: string, dialect: string): string {
  return `
consumers:
  chat:
    docker: { socket: ${engine.socket}, compose: { project_dir: ${project}, service: ${service} } }
    apply: restart
    ready: [{ command: [${project}/up] }]
    timeouts: { stop: 10s, start: 20s, ready: 3s }
    dwell: 1s
materials:
  chat-token:
    kind: token
    bytes: 32
    alphabet: base64url
    rotate: { every: 90d }
    targets:
      - env: { path: ${project}/chat.env, key: TOKEN, dialect: ${dialect} }
    consumers: [chat]
    verify: [{ command: [${project}/ask] }]
`
}
