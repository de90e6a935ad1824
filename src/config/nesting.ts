import { tooDeepAt } from '../support/nesting.ts'
import type { Located } from './problem.ts'

/** Far beyond the deepest option, far below what overflows the stack of a parser that recurses. */
const limit = { flow: 200, block: 200 }

/** Whether the text nests deeper than any config. */
export function depthProblem(text: string): Located | undefined {
  const spot = tooDeepAt(text, limit)
  return spot && { line: spot.line + 1, column: spot.column + 1, message: 'nested too deeply' }
}
