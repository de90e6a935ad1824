/** How many clients a rotation hits, asked just now. */
export interface ImpactCount {
  /** What is counted, in the operator's words: `users`. */
  readonly unit: string
  /** Absent where it could not be counted … */
  readonly count?: number
  /** … and why. */
  readonly problem?: string
}
