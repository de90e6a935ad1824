const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const pattern = /^([1-9]\d{0,8})([smhdw])$/

/**
 * Reads `90s 15m 6h 30d 2w`, nothing else. Strict on purpose: popular parsers read "abc" as 0,
 * which here would mean "rotate now".
 * @returns milliseconds, or undefined if the text is no duration
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text)
  if (!match) return undefined
  return Number(match[1]) * units[match[2] as keyof typeof units]
}

/** The largest whole unit that says it exactly enough for people: `34d`, `6h`, `15m`, `2s`. */
export function formatDuration(milliseconds: number): string {
  const size = Math.abs(milliseconds)
  for (const unit of ['d', 'h', 'm'] as const) {
    if (size >= 2 * units[unit]) return `${Math.round(milliseconds / units[unit])}${unit}`
  }
  return size >= 1_000 || size === 0
    ? `${Math.round(milliseconds / 1_000)}s`
    : `${Math.round(milliseconds)}ms`
}
