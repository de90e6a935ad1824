import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { vapid } from '../../src/verifiers/vapid.ts'
import { describeVerifier, noContext } from '../contracts/verifier.ts'
import { fakeEdition } from '../fakes/fake-edition.ts'
import { startHttpServer } from '../fakes/http-server.ts'

const never = new AbortController().signal
const keyOf = (letter: string) => `B${letter.repeat(84)}-_`
const edition = (letter: string) => fakeEdition('', { attributes: { public_key: keyOf(letter) } })
const create = (url: string) =>
  vapid.create(vapid.schema.parse({ url, pointer: '/vapid/key' }), noContext)
const show = (key: unknown) => JSON.stringify({ vapid: { key } })

describeVerifier('vapid', async () => {
  const server = await startHttpServer((_, reply) => reply.end(show(keyOf('a'))))
  return {
    verifier: create(server.origin),
    first: edition('a'),
    second: edition('b'),
    switchToSecond: () => server.answer((_, reply) => reply.end(show(`${keyOf('b')}=`))),
    stop: () => server.stop(),
    dispose: () => server.stop(),
  }
})

describe('vapid verifier', () => {
  it('cannot tell from a document without the key', async () => {
    const server = await startHttpServer((_, reply) => reply.end())
    try {
      for (const text of ['', 'null', '[]', '{"vapid":null}', show(7), show({}), '{"vapid']) {
        server.answer((_, reply) => reply.end(text))
        await assert.rejects(create(server.origin).accepts(edition('a'), never))
      }
      server.answer((_, reply) => reply.writeHead(404).end(show(keyOf('a'))))
      await assert.rejects(create(server.origin).accepts(edition('a'), never), /answers 404/)
      await assert.rejects(create(server.origin).accepts(fakeEdition(''), never), /no public key/)
    } finally {
      await server.stop()
    }
  })
})
