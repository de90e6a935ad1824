/** What is running. The build date is a floor for the clock: no time before it can be right. */
export const build = {
  version: '0.1.0',
  date: Date.parse('2026-11-22T00:00:00Z'),
} as const
