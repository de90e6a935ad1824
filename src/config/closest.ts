import { quoted } from './problem.ts'

/**
 * The candidate that `word` was probably meant to be: fewest typing errors (insert, delete, replace,
 * swap of neighbours), and no more than one in three letters; or one that it is short for.
 */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined
  const allowed = Math.max(1, Math.floor(word.length / 3))
  const near = candidates
    .map((candidate) => ({
      candidate,
      errors: isShortFor(word, candidate) ? 1 : typingErrors(word, candidate),
    }))
    .filter(({ errors }) => errors <= allowed)
    .toSorted((a, b) => a.errors - b.errors)
  return near[0]?.candidate
}

/** `; did you mean …?` or, without a near one, what there is to choose from. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = closest(word, candidates)
  if (near !== undefined) return `; did you mean \`${near}\`?`
  if (candidates.length === 0) return ''
  return `; known here: ${candidates.join(', ')}`
}

/**
 * The word, quoted, where an error may show it; undefined for what is neither a plain word nor nearly one of the
 * candidates: that may be a secret in the wrong place.
 */
export function shownWord(word: string, candidates: readonly string[]): string | undefined {
  const isPlain = /^[a-z][a-z0-9_-]{0,30}$/.test(word)
  return isPlain || closest(word, candidates) !== undefined ? quoted(word) : undefined
}

function isShortFor(word: string, candidate: string): boolean {
  return word.length >= 3 && candidate.startsWith(word)
}

/** Optimal string alignment distance: Levenshtein's with swaps. */
function typingErrors(from: string, to: string): number {
  let last: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = at(row, j - 1) + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      next[j] = Math.min(
        at(row, j) + 1,
        at(next, j - 1) + 1,
        replaced,
        swapped ? at(last, j - 2) + 1 : Infinity,
      )
    }
    last = row
    row = next
  }
  return at(row, to.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
