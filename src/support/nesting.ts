/** A place in a text, counted from 0. */
interface Spot {
  readonly line: number
  readonly column: number
}

/**
 * Where a YAML text nests deeper than a limit, found without parsing it: parsers take a time that grows much
 * faster than the depth, or overflow the stack. Open brackets are counted (those in comments and quotes too,
 * hence wide margins), and what stands in block style is at most as deep as its line's indentation, list dashes
 * included.
 */
export function tooDeepAt(
  text: string,
  limit: { readonly flow: number; readonly block: number },
): Spot | undefined {
  let open = 0
  for (const [line, content] of text.split('\n').entries()) {
    const indentation = /^[ ?-]*/.exec(content)?.[0].length ?? 0
    if (indentation > limit.block) return { line, column: limit.block }
    for (const { 0: bracket, index: column } of content.matchAll(/[[\]{}]/g)) {
      open = Math.max(0, open + (bracket === '[' || bracket === '{' ? 1 : -1))
      if (open > limit.flow) return { line, column }
    }
  }
  return undefined
}
