import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { z } from 'zod'
import { answerSchema } from '../../../src/admin/openapi/schemas.ts'
import { scratchApp } from '../scratch-app.ts'
import { Contract, type Document } from './contract.ts'

async function describedApi(): Promise<Document> {
  const { app } = scratchApp()
  const answer = await app.inject('/openapi.json')
  await app.close()
  return answer.json()
}

describe('/openapi.json', () => {
  it('is OpenAPI 3.1, whose references all point somewhere', async () => {
    const document = await describedApi()
    const validator = new Validator()
    const { valid, errors } = await validator.validate({ ...structuredClone(document) })
    assert.ok(valid, JSON.stringify(errors))
    assert.equal(validator.version, '3.1')
    const text = JSON.stringify(document)
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer
        .split('/')
        .reduce<unknown>((inside, key) => (inside as Record<string, unknown>)?.[key], document)
      assert.equal(typeof found, 'object', pointer)
    }
  })

  it('is refused by its validator where it is wrong', async () => {
    const document = await describedApi()
    const broken = { ...document, paths: { '/v1/status': { get: { responses: { abc: {} } } } } }
    assert.equal((await new Validator().validate(broken)).valid, false)
  })

  it('calls each operation by a name of its own', async () => {
    const { paths } = await describedApi()
    const names = Object.values(paths)
      .flatMap((path) => Object.values(path))
      .map(({ operationId }) => operationId)
    assert.equal(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^[a-z][A-Za-z]+$/)
  })

  it('uses every schema that it names', async () => {
    const document = await describedApi()
    const text = JSON.stringify(document)
    for (const name of Object.keys(document.components.schemas)) {
      assert.ok(text.includes(`"#/components/schemas/${name}"`), name)
    }
  })

  it('allows nothing that it does not name', async () => {
    const document = await describedApi()
    const contract = new Contract(document)
    const operation = document.paths['/healthz']?.['get']
    assert.ok(operation)
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    const good = { status: 200, headers, body: '{"status":"ticking"}' }
    contract.assertKept(operation, good)
    const wrong = [
      { ...good, status: 201 },
      { ...good, status: 404 },
      { ...good, headers: { 'content-type': 'text/plain' } },
      { ...good, headers: { ...headers, etag: '"1"' } },
      { ...good, body: '{"status":"ticking","more":1}' },
      { ...good, body: '{"status":"odd"}' },
      { ...good, body: '{}' },
    ]
    for (const answer of wrong) assert.throws(() => contract.assertKept(operation, answer))
  })

  it('wants a name for the schema of an answer', () => {
    assert.throws(() => answerSchema(z.object({})), /no name/)
  })
})
