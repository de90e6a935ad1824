import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { DueHeap } from '../../src/scheduler/due-heap.ts'

describe('DueHeap', () => {
  it('gives what was pushed, earliest first, however pushes and pops are mixed', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer()), { maxLength: 300 }), (steps) => {
        const heap = new DueHeap<{ at: number }>()
        const expected: number[] = []
        for (const at of steps) {
          if (at === null) {
            expected.sort((one, other) => one - other)
            assert.equal(heap.peek()?.at, expected[0])
            assert.equal(heap.pop()?.at, expected.shift())
          } else {
            heap.push({ at })
            expected.push(at)
          }
          assert.equal(heap.size, expected.length)
        }
      }),
    )
  })
})
