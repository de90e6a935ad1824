/** One small change that a careless hand could make to what keeps keys safe. */
export interface Mutant {
  readonly name: string
  /** Below `src`. */
  readonly file: string
  /** Occurs in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Files below `test`, without `.test.ts`, of which at least one must fail: the narrow ones, for each mutant runs them. */
  readonly tests: readonly string[]
}
