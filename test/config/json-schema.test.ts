import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { jsonSchema } from '../../src/config/json-schema.ts'

interface Validator {
  (value: unknown): boolean
  readonly errors?: unknown
}

/** The validator that fastify brings: what editors do with the schema. */
const Ajv = createRequire(import.meta.resolve('fastify'))('ajv') as new (
  options: object,
) => {
  compile(schema: object): Validator
}

const text = readFileSync(join(import.meta.dirname, 'samples/interface.yaml'), 'utf8')

describe('jsonSchema', () => {
  const schema = jsonSchema()
  // Formats of draft-07 that ajv has only with a plug-in.
  const formats = { uri: true, date: true, 'date-time': true }
  const valid = new Ajv({
    strict: true,
    strictTypes: false,
    allowUnionTypes: true,
    formats,
  }).compile(schema)

  it('is draft-07', () => {
    assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#')
  })

  it('accepts the documented sample', () => {
    assert.ok(valid(parse(text)), JSON.stringify(valid.errors))
  })

  const typos: Readonly<Record<string, readonly [from: string, to: string]>> = {
    'an unknown key': ['state_dir:', 'statedir:'],
    'an unknown key in a material': ['rotate: on_change', 'roate: on_change'],
    'an unknown target': ['- toml:', '- tmol:'],
    'an unknown option of a target': ['pointer: /auth_token', 'ponter: /auth_token'],
    'an unknown schedule': ['rotate: on_change', 'rotate: on_chnge'],
    'an unknown kind': ['kind: token', 'kind: tokn'],
    'a kind’s option at another kind': ['kind: vapid', 'kind: vapid\n    bytes: 32'],
    'an unquoted mode': ['mode: "0600"', 'mode: 0600'],
    'a bare number as duration': ['announce: 7d', 'announce: 7'],
    'a name with a capital': ['  chat-tls:', '  Chat-tls:'],
  }
  for (const [what, [from, to]] of Object.entries(typos)) {
    it(`refuses ${what}`, () => {
      assert.ok(text.includes(from))
      assert.ok(!valid(parse(text.replace(from, to))))
    })
  }

  it('describes every option', () => {
    const bare = undescribed(schema, '')
    assert.deepEqual(bare, [])
  })
})

interface Node {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Node>>
  readonly anyOf?: readonly Node[]
  readonly [key: string]: unknown
}

/** Keys without a description, but for those that are a choice: the choice's options have theirs. */
function undescribed(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return []
  const { properties = {}, anyOf } = node as Node
  const one = (node as Node)['required']
  const choice = Array.isArray(one) && one.length === 1 && Object.keys(properties).length === 1
  const own = Object.entries(properties)
    .filter(([, property]) => !choice && property.description === undefined && !anyOf)
    .map(([key]) => `${path}/${key}`)
  const inner = Object.entries(node).flatMap(([key, value]) => undescribed(value, `${path}/${key}`))
  return [...own, ...inner]
}
