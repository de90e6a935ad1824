import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { endangeredBy } from '../../src/operations/endangered.ts'
import { incidentOrder, type Lined } from '../../src/operations/incident-order.ts'

const material = (name: string, consumers: string[], ...contains: string[]): Lined => ({
  name,
  consumers,
  contains,
})
const order = (...materials: Lined[]) => incidentOrder(materials).map(({ name }) => name)

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const
/** Each may contain those after it only, so that nothing contains itself. */
const acyclic = fc
  .tuple(
    ...names.map((name, index) =>
      fc.record({
        name: fc.constant<string>(name),
        consumers: fc.uniqueArray(fc.constantFrom('chat', 'bot', 'site'), { maxLength: 2 }),
        contains: fc.subarray<string>(names.slice(index + 1)),
      }),
    ),
  )
  .chain((materials) => fc.shuffledSubarray(materials))

describe('the order in which everything on a host is replaced', () => {
  it('has a container before what is in it', () => {
    const chat = ['chat']
    assert.deepEqual(
      order(
        material('setup', chat),
        material('signing', chat),
        material('db-key', chat, 'setup', 'signing'),
        material('vapid', []),
      ),
      ['db-key', 'setup', 'signing', 'vapid'],
    )
  })

  it('has materials of one consumer side by side, and is otherwise that of the config', () => {
    assert.deepEqual(
      order(
        material('chat-tls', ['chat']),
        material('forum', ['forum']),
        material('token', ['chat', 'bot']),
        material('bot-key', ['bot']),
        material('push', ['push']),
      ),
      ['chat-tls', 'token', 'bot-key', 'forum', 'push'],
    )
  })

  it('loses nobody and repeats nobody, also where things contain each other', () => {
    assert.deepEqual(order(material('a', [], 'b'), material('b', [], 'a')), ['a', 'b'])
    assert.deepEqual(order(material('a', [], 'a')), ['a'])
    const anything = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...names),
        consumers: fc.uniqueArray(fc.constantFrom('chat', 'bot'), { maxLength: 2 }),
        contains: fc.uniqueArray(fc.constantFrom<string>(...names), { maxLength: 4 }),
      }),
      { selector: ({ name }) => name },
    )
    fc.assert(
      fc.property(anything, (materials) => {
        assert.deepEqual(new Set(incidentOrder(materials)), new Set(materials))
        assert.equal(incidentOrder(materials).length, materials.length)
      }),
    )
  })

  it('has everything in danger with a material after it, wherever it was configured', () => {
    fc.assert(
      fc.property(acyclic, (materials) => {
        const ordered = incidentOrder(materials).map(({ name }) => name)
        const containers = materials.map((one) => ({ ...one, kind: 'token' }))
        for (const { name } of materials) {
          for (const inside of endangeredBy(name, containers)) {
            assert.ok(ordered.indexOf(name) < ordered.indexOf(inside.material))
          }
        }
      }),
    )
  })

  it('goes on with the same consumer whenever something of it may come next', () => {
    fc.assert(
      fc.property(acyclic, (materials) => {
        const ordered = incidentOrder(materials)
        const shares = (one: Lined, other: Lined) =>
          one.consumers.some((consumer) => other.consumers.includes(consumer))
        for (const [index, next] of ordered.entries()) {
          const last = ordered[index - 1]
          if (!last || shares(next, last)) continue
          const left = ordered.slice(index)
          const free = left.filter(
            ({ name }) => !left.some((other) => other.contains?.includes(name)),
          )
          assert.ok(!free.some((other) => shares(other, last)))
        }
      }),
    )
  })
})
