import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import * as fc from 'fast-check'
import { json } from '../../../src/targets/json.ts'
import { jsonSyntax } from '../../../src/targets/pointer/json-syntax.ts'
import { PointerValue } from '../../../src/targets/pointer/pointer-value.ts'
import { tomlSyntax } from '../../../src/targets/pointer/toml-syntax.ts'
import { yamlSyntax } from '../../../src/targets/pointer/yaml-syntax.ts'
import { toml } from '../../../src/targets/toml.ts'
import { yaml } from '../../../src/targets/yaml.ts'
import { targetContext } from '../../support/file-place.ts'
import { type Change, changed, changes, easyValue, trickyValue } from './arbitraries.ts'
import type { FuzzClass } from './fuzz-class.ts'
import { type Comparison, objectionHere, objectionsOfPython } from './readers/structured-text.ts'
import type { Trial } from './trial.ts'
import { type Life, lead, refuseLoss, refuseSpread, show } from './value-life.ts'

const types = { toml, yaml, json }
const syntaxes = { toml: tomlSyntax, yaml: yamlSyntax, json: jsonSyntax }
type Format = Comparison['format']

/** A file in which it is known where the value stands. */
export interface Document {
  readonly pointer: string
  /** All that stands before the value, and must stay. */
  readonly before: string
  /** As it is written; undefined where it is missing. */
  readonly value: string | undefined
  readonly after: string
  /** Whether any text can be written there. */
  readonly free: boolean
}

interface Input {
  readonly document: Document
  readonly change: Change | undefined
  readonly crlf: boolean
  readonly mark: boolean
  readonly onDisk: boolean
  readonly values: readonly [string, string]
}

interface Outcome {
  readonly pointer: string
  readonly life: Life
}

/** Files in which a JSON pointer names one string. */
export function pointerClass(
  format: Format,
  share: number,
  documents: fc.Arbitrary<Document>,
): FuzzClass<Input, Outcome> {
  const oneIn = (count: number) => fc.nat(count - 1).map((number) => number === 1)
  return {
    name: format,
    share,
    inputs: fc.record({
      document: documents,
      change: fc.option(changes, { nil: undefined, freq: 1 }),
      crlf: oneIn(8),
      mark: oneIn(12),
      onDisk: oneIn(10),
      values: fc.tuple(fc.oneof(easyValue, trickyValue), trickyValue),
    }),
    async open() {
      const hasPython = (await objectionsOfPython([])) !== undefined
      return {
        attempt: (input, trial) => attempt(format, input, trial),
        judge: (outcomes) => judgeAll(format, outcomes, hasPython),
        missing: hasPython ? [] : ['a python3 with tomllib and yaml'],
      }
    },
  }
}

async function attempt(format: Format, input: Input, trial: Trial): Promise<Outcome> {
  const { document, change, onDisk } = input
  const { pointer } = document
  const bytes = (text: string) =>
    Buffer.from(input.crlf ? trial.plant(text).replaceAll('\n', '\r\n') : trial.plant(text))
  const before = bytes(`${input.mark ? '\ufeff' : ''}${document.before}`)
  const after = bytes(document.after)
  const original = changed(Buffer.concat([before, bytes(document.value ?? ''), after]), change)
  const values = input.values.map((value) => trial.plantBytes(value)) as [Buffer, Buffer]
  const slot = new PointerValue(pointer, syntaxes[format])
  const type = types[format]
  const target = (path: string) => type.create(type.schema.parse({ path, pointer }), targetContext)
  const life = await lead(trial, { slot, target, original, values, onDisk })
  if (!change) {
    const isExpected = document.free && isUtf8(values[0])
    assert.ok(life.stages.length > 0 || !isExpected, `refused in ${show(original)}`)
    for (const stage of life.stages.filter(({ value }) => value)) {
      if (!document.value) refuseLoss(stage, original)
      else refuseSpread(stage, before, after)
    }
  }
  return { pointer, life }
}

async function judgeAll(
  format: Format,
  outcomes: readonly Outcome[],
  hasPython: boolean,
): Promise<readonly (string | undefined)[]> {
  const comparisons = outcomes.map(({ pointer, life: { original, stages } }) =>
    stages.map(({ content, value }): Comparison => {
      const path = pointer.slice(1).split('/').map(unescape)
      return { format, old: original, new: content, path, value }
    }),
  )
  const all = comparisons.flat()
  const ofPython = ((hasPython && (await objectionsOfPython(all))) || []).values()
  return comparisons.map((its) => {
    const objections = its.flatMap((one) =>
      [objectionHere(one), ofPython.next().value].map((text) =>
        text === undefined ? [] : [`${text}: ${show(one.old)} became ${show(one.new)}`],
      ),
    )
    return objections.flat()[0]
  })
}

/** RFC 6901 §4. */
function unescape(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~')
}
