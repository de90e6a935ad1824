import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asOperatorError, errorLines } from '../../../src/cli/output/error-lines.ts'
import { styleFor } from '../../../src/cli/output/style.ts'
import { OperatorError } from '../../../src/support/operator-error.ts'

const style = styleFor(false, {})

describe('an error for the operator', () => {
  it('is two lines, also where the error has no hint of its own', () => {
    const lines = errorLines(new OperatorError('it is busy', { kind: 'busy' }), style).split('\n')
    assert.deepEqual(
      lines.map((line) => line.split(':')[0]),
      ['error', 'hint', ''],
    )
  })

  it('has a line for each problem of a config, and one hint', () => {
    const error = new OperatorError('a.yaml:1:1: no\na.yaml:2:1: never', { hint: 'correct these' })
    assert.equal(
      errorLines(error, style),
      'error: a.yaml:1:1: no\nerror: a.yaml:2:1: never\nhint: correct these\n',
    )
  })

  it('does not let text from elsewhere move the cursor', () => {
    const lines = errorLines(new OperatorError('a\u001b[2Jb\u009bc\rd'), style)
    assert.match(lines, /^error: a\?\[2Jb\?c\?d\n/)
  })

  it('says internal error for a defect, without the stack', () => {
    const { message, kind } = asOperatorError(new RangeError('a prepared version cannot retire'))
    assert.equal(message, 'internal error: RangeError: a prepared version cannot retire')
    assert.equal(kind, 'failed')
  })

  it('never repeats what a parser was given', () => {
    const thrown = (work: () => unknown) => {
      try {
        work()
      } catch (error) {
        return asOperatorError(error).message
      }
      return assert.fail('nothing was thrown')
    }
    assert.doesNotMatch(
      thrown(() => JSON.parse('hunter2')),
      /hunter2/,
    )
    assert.doesNotMatch(
      thrown(() => Buffer.alloc('hunter2' as never)),
      /hunter2/,
    )
  })
})
