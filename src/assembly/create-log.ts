import { pino } from 'pino'
import type { LogLine } from './log.ts'

export type Log = Readonly<
  Record<LogLine['level'], (message: string, fields?: LogLine['fields']) => void>
>

/** JSON lines on stderr, with the time as RFC 3339. Fields are an allow-list by construction: see {@link LogLine}. */
export function createLog(): Log {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
    },
    pino.destination({ fd: 2, sync: true }),
  )
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogLine['fields'] = {}) =>
      logger[level](fields, message)
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
