/** From what needs somebody to what needs nobody. */
export const remarkLevels = ['failure', 'warning', 'ok'] as const
/** `failure`: a rotation would fail, or its value never be used. `warning`: it works, but should not stay so. */
export type RemarkLevel = (typeof remarkLevels)[number]

/** What was found when something was looked at before it is needed. Nothing secret. */
export interface Remark {
  readonly level: RemarkLevel
  /** What was looked at: a stable slug, such as `target-writable`. */
  readonly check: string
  /** The file, unit, container or address that it is about. */
  readonly place?: string
  readonly message: string
  /** What to type or change next. */
  readonly hint?: string
}
