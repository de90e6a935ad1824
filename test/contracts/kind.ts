import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { Found, Made, MadeHere } from '../../src/materials/kind.ts'
import { type Format, formats } from '../../src/model/material.ts'
import { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

/** What differs from kind to kind. */
export interface KindExpectations {
  /** Parts that anybody may see; all others are taken for secret. */
  readonly public?: readonly string[]
  /** Declared parts that `render` puts together from those made, and that are not stored themselves. */
  readonly derived?: readonly string[]
  /** Sets of parts from which a whole version can be read; by default each secret part alone. */
  readonly readable?: readonly (readonly string[])[]
  /** Formats that `adopt` does not read. */
  readonly writeOnly?: readonly Format[]
  /** Takes any bytes but none at all: nothing else is garbage to it. */
  readonly takesAnything?: boolean
  /** Epoch milliseconds of `generate`. */
  readonly now?: number
}

const canary = 'canary-5ecre7'
const garbage = Buffer.from(`${canary}\nin two lines\0`)
const nothing = Buffer.alloc(0)
const place = 'file /srv/consumer/key'
const signal = new AbortController().signal

/** The contract of `MadeHere`, for every kind that rekeyd makes and every way it is configured. */
export function describeKind(
  name: string,
  makeKind: () => MadeHere | Promise<MadeHere>,
  expected: KindExpectations = {},
): void {
  const open = expected.public ?? []
  const derived = expected.derived ?? []
  const writeOnly = expected.writeOnly ?? []
  const now = expected.now ?? Date.UTC(2026, 10, 3)
  const generate = (kind: MadeHere, previous?: Made) =>
    kind.generate(
      { material: 'it', now, ...(previous ? { previous: editionOf(kind, previous) } : {}) },
      signal,
    )
  const secretParts = (kind: MadeHere) => Object.keys(kind.parts).filter((p) => !open.includes(p))
  const readable = (kind: MadeHere) => expected.readable ?? secretParts(kind).map((part) => [part])

  describe(`kind ${name}`, () => {
    it('declares parts with known formats, and as public only what anybody may see', async () => {
      const { parts } = await makeKind()
      const declaredPublic = Object.keys(parts).filter((part) => parts[part]!.public)
      assert.deepEqual(declaredPublic, [...open])
      for (const part of Object.values(parts)) {
        assert.equal(new Set(part.formats).size, part.formats.length)
        assert.ok(part.formats.every((format) => formats.includes(format)))
      }
    })

    it('makes exactly the parts it declares', async () => {
      const kind = await makeKind()
      const made = Object.keys((await generate(kind)).parts)
      assert.deepEqual([...made, ...derived].toSorted(), Object.keys(kind.parts).toSorted())
    })

    it('renders every part in every format without changing what it renders', async () => {
      const kind = await makeKind()
      const { parts } = await generate(kind)
      const before = copies(parts)
      for (const [part, { formats }] of Object.entries(kind.parts)) {
        for (const format of formats) {
          const bytes = await kind.render(parts, part, format)
          assert.ok(bytes.length > 0, `${part} as ${format}`)
          bytes.wipe()
        }
      }
      assert.deepEqual(copies(parts), before)
    })

    it('refuses to render what it does not declare', async () => {
      const kind = await makeKind()
      const { parts } = await generate(kind)
      for (const [part, declared] of Object.entries(kind.parts)) {
        for (const format of formats.filter((format) => !declared.formats.includes(format))) {
          await assert.rejects(async () => kind.render(parts, part, format), `${part} as ${format}`)
        }
      }
      for (const part of ['no_such_part', 'constructor']) {
        await assert.rejects(async () => kind.render(parts, part, 'raw'), part)
      }
    })

    it('makes another secret each time, also after a previous version', async () => {
      const kind = await makeKind()
      const first = await generate(kind)
      const second = await generate(kind, first)
      for (const part of secretParts(kind).filter((part) => !derived.includes(part))) {
        assert.notDeepEqual(second.parts[part]!.bytes, first.parts[part]!.bytes)
      }
      if (first.fingerprint) assert.notEqual(second.fingerprint, first.fingerprint)
    })

    it('says nothing secret beside the parts, nor in the public ones', async () => {
      const kind = await makeKind()
      const { parts, attributes, fingerprint } = await generate(kind)
      const shown: Buffer[] = [Buffer.from(JSON.stringify({ attributes, fingerprint }))]
      for (const part of open) {
        for (const format of kind.parts[part]!.formats) {
          shown.push((await kind.render(parts, part, format)).bytes)
        }
      }
      for (const part of secretParts(kind)) {
        for (const format of kind.parts[part]!.formats) {
          const secret = (await kind.render(parts, part, format)).bytes
          assert.ok(!shown.some((text) => text.includes(secret)), `${part} as ${format}`)
        }
      }
    })

    it('dates what it makes so that it is valid now', async () => {
      const { notBefore, notAfter } = await generate(await makeKind())
      if (notBefore !== undefined) assert.ok(notBefore <= now)
      if (notAfter !== undefined) assert.ok(notAfter > now)
    })

    it('adopts what it rendered as the same version', async () => {
      const kind = await makeKind()
      if (!kind.adopt) return
      const made = await generate(kind)
      for (const set of readable(kind)) {
        for (const found of await renderings(kind, made, set, writeOnly)) {
          const before = found.map(({ bytes }) => Buffer.from(bytes.bytes))
          const adopted = await kind.adopt(found, 'it')
          const how = found.map(({ part, format }) => `${part} as ${format}`).join(', ')
          assert.equal(adopted.fingerprint, made.fingerprint, how)
          assert.deepEqual(copies(adopted.parts), copies(made.parts), how)
          assert.deepEqual(
            found.map(({ bytes }) => bytes.bytes),
            before,
            'adopt leaves what was found alone',
          )
        }
      }
    })

    it('refuses garbage by naming the place and without quoting it', async () => {
      const kind = await makeKind()
      if (!kind.adopt) return
      const made = await generate(kind)
      for (const set of readable(kind)) {
        for (const found of await renderings(kind, made, set, writeOnly)) {
          for (const bad of found.keys()) {
            for (const bytes of expected.takesAnything ? [nothing] : [garbage, nothing]) {
              const broken = found.with(bad, {
                ...found[bad]!,
                bytes: SecretBytes.copyOf(bytes),
                place: `${place} (bad)`,
              })
              const how = `${found[bad]!.part} as ${found[bad]!.format}`
              await assert.rejects(
                async () => kind.adopt?.(broken, 'it'),
                (error) => isDiscreet(error, how),
              )
            }
          }
        }
      }
    })
  })
}

/** The parts of `set` as targets would hold them: each format of each part occurs at least once. */
async function renderings(
  kind: MadeHere,
  made: Made,
  set: readonly string[],
  writeOnly: readonly Format[],
): Promise<Found[][]> {
  const choices = set.map((part) =>
    kind.parts[part]!.formats.filter((format) => !writeOnly.includes(format)),
  )
  const rows = Math.max(...choices.map((formats) => formats.length))
  return Promise.all(
    Array.from({ length: rows }, (_, row) =>
      Promise.all(
        set.map(async (part, index) => {
          const format = choices[index]![row % choices[index]!.length]!
          return { part, format, place, bytes: await kind.render(made.parts, part, format) }
        }),
      ),
    ),
  )
}

function isDiscreet(error: unknown, how: string): true {
  assert.ok(error instanceof OperatorError, `${how}: ${String(error)}`)
  assert.ok(error.message.includes(`${place} (bad)`), `${how}: ${error.message}`)
  const all = inspect(error, { depth: 10, showHidden: true })
  for (const encoding of ['utf8', 'hex', 'base64', 'base64url'] as const) {
    const quoted = Buffer.from(canary).toString(encoding).slice(0, 16)
    assert.ok(!all.includes(quoted), `${how}: the error quotes what was found`)
  }
  return true
}

function copies(parts: Made['parts']): Record<string, Buffer> {
  return Object.fromEntries(
    Object.entries(parts).map(([part, { bytes }]) => [part, Buffer.from(bytes)]),
  )
}

/** As the store would hand `made` out as version 1. */
function editionOf(kind: MadeHere, made: Made): Edition {
  const [firstPart] = Object.keys(kind.parts)
  return {
    version: {
      material: 'it',
      number: 1,
      state: 'active',
      compromised: false,
      origin: 'generated',
      fingerprint: made.fingerprint ?? 'hmac:00',
      attributes: made.attributes,
      createdAt: 0,
      ...(made.notBefore === undefined ? {} : { notBefore: made.notBefore }),
      ...(made.notAfter === undefined ? {} : { notAfter: made.notAfter }),
    },
    bytes: (part = firstPart!, format = kind.parts[part]!.formats[0]) =>
      kind.render(made.parts, part, format as Format),
  }
}
