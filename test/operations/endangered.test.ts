import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { containersOf, endangeredBy } from '../../src/operations/endangered.ts'

const kind = 'token'
const material = (name: string, ...contains: string[]) => ({ name, kind, contains })

describe('what is in danger with a material that leaked', () => {
  const host = [
    material('disk-key', 'db-key', 'backup-key'),
    { ...material('db-key', 'setup', 'signing'), impact: 'the server restarts' },
    material('setup'),
    material('signing', 'tokens'),
    material('tokens', 'db-key'),
    material('backup-key'),
  ]

  it('is everything in it, the nearest first, with the way there', () => {
    assert.deepEqual(
      endangeredBy('disk-key', host).map(({ material, through }) => [material, through.join('/')]),
      [
        ['db-key', 'disk-key'],
        ['backup-key', 'disk-key'],
        ['setup', 'disk-key/db-key'],
        ['signing', 'disk-key/db-key'],
        ['tokens', 'disk-key/db-key/signing'],
      ],
    )
    assert.deepEqual(endangeredBy('setup', host), [])
  })

  it('comes with what it does to clients, and what to type', () => {
    const [first, second] = endangeredBy('disk-key', host)
    assert.equal(first?.impact, 'the server restarts')
    assert.equal(first?.command, 'rekeyd compromise db-key')
    assert.equal(second && 'impact' in second, false)
  })

  it('is not itself, also where things contain each other, and nothing that is not managed', () => {
    assert.deepEqual(
      endangeredBy('db-key', host).map(({ material }) => material),
      ['setup', 'signing', 'tokens'],
    )
    assert.deepEqual(endangeredBy('a', [material('a', 'a', 'elsewhere')]), [])
    assert.deepEqual(endangeredBy('unknown', host), [])
  })

  it('may have leaked with everything that contains it, seen from the other side', () => {
    assert.deepEqual(containersOf('setup', host), ['disk-key', 'db-key', 'signing', 'tokens'])
    assert.deepEqual(containersOf('disk-key', host), [])
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const hosts = fc.array(
      fc.record({ name: names, contains: fc.array(names, { maxLength: 3 }) }),
      {
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(hosts, (listed) => {
        const known = [...new Map(listed.map((one) => [one.name, { ...one, kind }])).values()]
        for (const { name } of known) {
          for (const { material, through } of endangeredBy(name, known)) {
            assert.ok(containersOf(material, known).includes(name))
            assert.equal(through[0], name)
            assert.equal(new Set(through).size, through.length)
          }
        }
      }),
    )
  })
})
