import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdminApp } from '../../../src/admin/admin-app.ts'
import { createApp } from '../../../src/admin/app.ts'
import { addToken } from '../../../src/api-tokens/edit-token-file.ts'
import type { Operations } from '../../../src/operations/operations.ts'
import { ScratchOperations } from '../../operations/scratch-operations.ts'
import { scratchOptions } from '../scratch-app.ts'
import { newToken } from '../scratch-tokens.ts'
import { type Answer, Contract, type Document, type Operation } from './contract.ts'

/** One request, by what differs from the plainest one. */
export interface Ask {
  readonly name?: string
  readonly query?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Both doors of the API on real operations, beside what its document promises. */
export class ScratchContract {
  readonly scratch = new ScratchOperations()
  readonly #fakes = scratchOptions()
  readonly #folder: string
  #operations: Operations | undefined
  rotation = ''
  socket!: AdminApp
  tcp!: AdminApp
  document!: Document
  contract!: Contract
  readonly authorization: Record<string, string> = {}

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create(): Promise<ScratchContract> {
    const made = new ScratchContract(await mkdtemp(join(tmpdir(), 'rekeyd-contract-')))
    await made.#create()
    return made
  }

  get metrics() {
    return this.#fakes.metrics
  }

  get tokens(): string {
    return join(this.#folder, 'tokens.yaml')
  }

  get folder(): string {
    return this.#folder
  }

  /** From now on whatever is asked fails in a way that nobody expected. */
  breakDown(): void {
    this.#operations = undefined
    this.metrics.failure = new Error('broken')
  }

  get live(): Operations {
    assert.ok(this.#operations)
    return this.#operations
  }

  /** Every rotation has ended. */
  async settled(): Promise<void> {
    if (!this.#operations) return
    for (const { id } of await this.live.history({ limit: 10 })) await this.live.wait(id)
  }

  operationOf(operationId: string) {
    const found = this.operations.find(({ operation }) => operation.operationId === operationId)
    assert.ok(found, operationId)
    return found
  }

  /** With a token. */
  as(token: 'read' | 'admin', ask: Ask = {}): Ask {
    const authorization = this.authorization[token] ?? ''
    return { ...ask, headers: { authorization, ...ask.headers } }
  }

  /** So many came without a token that the next one is told to wait. */
  async exhaust(): Promise<void> {
    for (let index = 0; index < 12; index += 1) {
      await this.tcp.inject({ url: '/v1/status', headers: { host: 'localhost' } })
    }
  }

  /** Asks, and lets the document judge the answer. @param patience `usual` waits, so that nobody is told to */
  async ask(
    door: 'socket' | 'tcp',
    path: string,
    method: string,
    ask: Ask = {},
    patience: 'usual' | 'none' = 'usual',
  ): Promise<number> {
    const operation = this.document.paths[path]?.[method] as Operation
    if (patience === 'usual') await this.#fakes.clock.advance(6_000)
    const app = this[door]
    const url = path.replace('{name}', ask.name ?? 'key').replace('{id}', ask.name ?? this.rotation)
    const isForm = 'application/x-www-form-urlencoded' in (operation.requestBody?.content ?? {})
    const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
    const { body = {} } = ask
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const answer = await app.inject({
      method: method as 'get' | 'post',
      url: url + (ask.query ?? ''),
      headers: {
        host: 'localhost',
        ...(method === 'post' && { 'content-type': type }),
        ...ask.headers,
      },
      ...(method === 'post' && { payload: isForm && typeof body !== 'string' ? '' : text }),
    })
    this.contract.assertKept(operation, seen(answer))
    return answer.statusCode
  }

  /** The document's operations, with what they are reached by. */
  get operations(): readonly { path: string; method: string; operation: Operation }[] {
    return Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
  }

  async dispose(): Promise<void> {
    await this.socket.close()
    await this.tcp.close()
    this.scratch.dispose()
    await rm(this.#folder, { recursive: true })
  }

  async #create(): Promise<void> {
    this.#operations = await this.scratch.create()
    for (const scope of ['read', 'admin'] as const) {
      const { secret, token } = newToken(scope, { scope })
      await addToken(this.tokens, token)
      this.authorization[scope] = `Bearer ${secret}`
      this.authorization[`${scope} form`] = `token=${secret}`
    }
    const operations = () => {
      if (this.#operations) return this.#operations
      throw new Error('broken')
    }
    const options = { ...this.#fakes.options, operations, events: this.scratch.scratch.events }
    this.socket = createApp(options)
    this.tcp = createApp(options, { host: '127.0.0.1', port: 9471, tokens: this.tokens, hosts: [] })
    this.document = (await this.socket.inject('/openapi.json')).json()
    this.contract = new Contract(this.document)
    const caller = { who: 'cli:alice', why: 'a test' }
    const { id } = await this.#operations.startRotation('key', {}, caller)
    await this.#operations.wait(id)
    this.rotation = id
  }
}

function seen(answer: { statusCode: number; headers: object; body: string }): Answer {
  const { statusCode: status, headers, body } = answer
  return { status, headers: headers as Answer['headers'], body }
}
