import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { command } from '../../src/materials/command.ts'
import type { Found, MadeHere } from '../../src/materials/kind.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import { OperatorError } from '../../src/support/operator-error.ts'
import { describeKind } from '../contracts/kind.ts'
import { kindContext } from '../support/kind-context.ts'

const now = Date.UTC(2026, 10, 3)
const signal = new AbortController().signal
const canary = 'canary-5ecre7'

/** A kind whose program is this JavaScript. */
function program(script: string, options: object = {}): MadeHere {
  const parsed = command.schema.parse({
    command: { generate: [process.execPath, '-e', script], timeout: '30s' },
    parts: { secret: {}, name: { public: true } },
    ...options,
  })
  return command.create(parsed, kindContext) as MadeHere
}
const prints = (output: unknown) => `console.log(${JSON.stringify(JSON.stringify(output))})`
const printing = (output: unknown, options: object = {}) => program(prints(output), options)
const generate = (kind: MadeHere) => kind.generate({ material: 'other', now }, signal)
const good = {
  parts: { secret: { value: canary }, name: { value: 'bmFtZQ==', encoding: 'base64' } },
}

const random = `
  const random = () => require('node:crypto').randomBytes(40).toString('hex')
  const secret = { value: random(), encoding: 'hex' }
  const name = { value: 'name of ' + random() }
  console.log(JSON.stringify({
    parts: { secret, name },
    not_before: '2026-11-01T00:00:00Z',
    not_after: '2026-12-01T00:00:00+01:00',
    attributes: { algorithm: 'other' },
  }))`
describeKind('command', () => program(random), {
  public: ['name'],
  readable: [['secret', 'name']],
  takesAnything: true,
  now,
})

describe('command', () => {
  it('decodes what the program prints', async () => {
    const { parts, attributes, notBefore, notAfter } = await generate(
      printing({ ...good, not_after: '2027-01-01T00:00:00+01:00', attributes: { serial: '7' } }),
    )
    assert.equal(String(parts['secret']?.bytes), canary)
    assert.equal(String(parts['name']?.bytes), 'name')
    assert.deepEqual(attributes, { serial: '7' })
    assert.equal(notBefore, undefined)
    assert.equal(notAfter, Date.UTC(2026, 11, 31, 23))
  })

  it('gives the program no environment', async () => {
    const script = `console.log(JSON.stringify({ parts: {
      secret: { value: JSON.stringify(Object.keys(process.env)) }, name: { value: 'n' } } }))`
    const { parts } = await generate(program(script))
    assert.equal(String(parts['secret']?.bytes), '[]')
  })

  const refusals: Record<string, MadeHere> = {
    'prints no JSON': program(`console.log('{"parts": ${canary}')`),
    'prints nothing': program(''),
    'prints too much': program(`${prints(good)}; console.log(' '.repeat(70_000))`),
    'prints on the error stream and fails': program(`console.error('${canary}'); process.exit(3)`),
    'says no': program(`${prints(good)}; process.exitCode = 1`),
    'could not tell': program(`${prints(good)}; process.exitCode = 75`),
    'is killed': program(`console.log('${canary}'); process.kill(process.pid, 'SIGKILL')`),
    'leaves out a part': printing({ parts: { secret: { value: canary } } }),
    'prints an unknown part': printing({ parts: { ...good.parts, [canary]: { value: canary } } }),
    'prints an unknown key': printing({ ...good, [canary]: canary }),
    'prints an empty value': printing({ parts: { ...good.parts, secret: { value: '' } } }),
    'prints a value that is not in its encoding': printing({
      parts: { ...good.parts, secret: { value: canary, encoding: 'hex' } },
    }),
    'prints a value that decodes to nothing': printing({
      parts: { ...good.parts, secret: { value: ' ', encoding: 'hex' } },
    }),
    'prints a bad attribute name': printing({ ...good, attributes: { [canary]: canary } }),
    'prints the secret as an attribute': printing({ ...good, attributes: { note: `(${canary})` } }),
    'prints a bad date': printing({ ...good, not_after: canary }),
    'prints what has expired': printing({ ...good, not_after: '2026-11-02T23:59:59Z' }),
    'prints what is not valid yet': printing({ ...good, not_before: '2026-11-04T00:00:00Z' }),
  }
  for (const [what, kind] of Object.entries(refusals)) {
    it(`refuses a program that ${what}, without quoting it`, async () => {
      await assert.rejects(generate(kind), (error) => {
        assert.ok(error instanceof OperatorError, inspect(error))
        assert.ok(error.message.startsWith(process.execPath), error.message)
        assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes(canary))
        return true
      })
    })
  }

  it('refuses a program that prints the active version again', async () => {
    const kind = printing(good)
    const { parts, attributes } = await generate(kind)
    const previous = {
      version: {
        material: 'other',
        number: 1,
        state: 'active',
        compromised: false,
        origin: 'generated',
        fingerprint: 'hmac:00',
        attributes,
        createdAt: 0,
      },
      bytes: async (part?: string) => SecretBytes.copyOf(parts[part!]!.bytes),
    } as const
    await assert.rejects(
      kind.generate({ material: 'other', now, previous }, signal),
      /printed the version that is active already/,
    )
  })

  it('refuses attributes for a terminal, half a character, and what is no UTF-8', async () => {
    const { parts } = good
    const half = { ...parts, secret: { value: '\ud800' } }
    for (const kind of [
      printing({ parts, attributes: { note: '\u001b[2J' } }),
      printing({ parts: half }),
      program(`process.stdout.write(Buffer.from('7b22ff', 'hex'))`),
    ]) {
      await assert.rejects(generate(kind), OperatorError)
    }
  })

  it('refuses a secret that the attributes show decoded', async () => {
    const secret = { value: Buffer.from(canary).toString('hex'), encoding: 'hex' }
    const kind = printing({ parts: { ...good.parts, secret }, attributes: { note: canary } })
    await assert.rejects(generate(kind), /printed the secret part secret among the attributes/)
  })

  it('ends the program when it takes too long or is no longer wanted', async () => {
    const hangs = 'setInterval(() => {}, 1e6)'
    const slow = program(hangs, {
      command: { generate: [process.execPath, '-e', hangs], timeout: '1s' },
    })
    await assert.rejects(generate(slow), /did not end within 1s/)
    const abort = AbortSignal.abort(new Error('stopped'))
    await assert.rejects(program(hangs).generate({ material: 'other', now }, abort), /stopped/)
  })

  it('adopts only when every part is found', async () => {
    const found: Found = {
      part: 'secret',
      format: 'raw',
      bytes: SecretBytes.fromText(canary),
      place: 'file /secret',
    }
    await assert.rejects(async () => printing(good).adopt?.([found], 'other'), /no name was found/)
  })

  it('wants parts with plain names, and at least one', () => {
    const argv = { command: { generate: ['/bin/true'] } }
    for (const parts of [{}, { 'Not Plain': {} }, { __proto__x: {} }, undefined]) {
      assert.equal(command.schema.safeParse({ ...argv, parts }).success, false)
    }
    assert.equal(command.schema.safeParse({ ...argv, parts: { one: {} } }).success, true)
  })
})
