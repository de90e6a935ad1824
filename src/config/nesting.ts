import type { Located } from './problem.ts'

/** Far beyond the deepest option, far below what overflows the stack of a parser that recurses. */
const deepestFlow = 200
const deepestBlock = 200

/**
 * Whether the text nests deeper than any config, found without parsing it: open brackets are counted
 * (those in comments and quotes too, hence the wide margin), and what stands in block style is at
 * most as deep as its line's indentation, list dashes included.
 */
export function depthProblem(text: string): Located | undefined {
  let open = 0
  for (const [index, line] of text.split('\n').entries()) {
    const indentation = /^[ ?-]*/.exec(line)?.[0].length ?? 0
    if (indentation > deepestBlock) return tooDeep(index, deepestBlock)
    for (const { 0: bracket, index: column } of line.matchAll(/[[\]{}]/g)) {
      open = Math.max(0, open + (bracket === '[' || bracket === '{' ? 1 : -1))
      if (open > deepestFlow) return tooDeep(index, column)
    }
  }
  return undefined
}

function tooDeep(lineIndex: number, columnIndex: number): Located {
  return { line: lineIndex + 1, column: columnIndex + 1, message: 'nested too deeply' }
}
