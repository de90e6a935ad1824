import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** The parts of an OpenAPI document that a test reads. */
export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly responses: Readonly<Record<string, Response>>
    readonly schemas: Readonly<Record<string, object>>
  }
}

export interface Operation {
  readonly operationId: string
  readonly security: readonly { readonly token?: readonly string[] }[]
  readonly 'x-socket-only'?: true
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> }
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>
}

interface Response {
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<
    Record<string, { readonly schema: object; readonly 'x-event-data'?: object }>
  >
}

/** What a client sees of an answer. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Headers of which a document says something, wherever they are sent. */
const telling = /^(?:rekeyd-audit-head|etag|location|set-cookie|www-authenticate|retry-after)$/

/** Judges answers by a document alone: a field, status, header or media type that it does not name is wrong. */
export class Contract {
  readonly #document: Document
  readonly #ajv = new Ajv2020({ validateFormats: false, strict: true, allErrors: true })

  constructor(document: Document) {
    this.#document = document
    this.#ajv.addVocabulary(['components', 'x-event-data'])
    this.#ajv.addSchema({
      $id: 'document',
      components: { schemas: closed(document.components.schemas) },
    })
  }

  /** @throws AssertionError saying what the document does not allow */
  assertKept(operation: Operation, { status, headers, body }: Answer): void {
    const what = `${operation.operationId} ${status}`
    const response = this.#response(operation, status)
    assert.ok(response, `${what} is not documented: ${body}`)
    const named = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase())
    const unnamed = Object.keys(headers).filter(
      (name) => telling.test(name) && !named.includes(name),
    )
    assert.deepEqual(unnamed, [], `${what} sends headers that are not documented`)
    if (!response.content) return assert.equal(body, '', `${what} has a body`)
    const type = String(headers['content-type']).split(';')[0] ?? ''
    const content = response.content[type]
    assert.ok(content, `${what} is ${type}: ${body}`)
    const isJson = type.endsWith('json')
    this.#assertValid(content.schema, isJson ? JSON.parse(body) : body, what)
    const data = content['x-event-data']
    if (data) for (const event of eventsOf(body)) this.#assertValid(data, event, what)
  }

  #response({ responses }: Operation, status: number): Response | undefined {
    const response = responses[status]
    if (!response || !('$ref' in response)) return response
    return this.#document.components.responses[response.$ref.split('/').at(-1) ?? '']
  }

  #assertValid(schema: object, value: unknown, what: string): void {
    const pointed = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as object
    const validate = this.#ajv.compile(pointed)
    if (!validate(value))
      assert.fail(`${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`)
  }
}

/** The document leaves objects open for what later versions answer; this version answers nothing more. */
function closed(schema: object): object {
  const inside = Object.entries(schema).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? closed(value)
      : Array.isArray(value)
        ? value.map((one: unknown) => (typeof one === 'object' && one !== null ? closed(one) : one))
        : value,
  ])
  const isObject = 'properties' in schema && 'type' in schema && schema.type === 'object'
  return { ...Object.fromEntries(inside), ...(isObject && { additionalProperties: false }) }
}

/** The data of server-sent events, but that of `reset`. */
function eventsOf(stream: string): unknown[] {
  return stream.split('\n\n').flatMap((frame) => {
    const [, data] = /^data: (.*)$/m.exec(frame) ?? []
    return data === undefined || /^event: reset$/m.test(frame) ? [] : [JSON.parse(data) as unknown]
  })
}
