import { Counter, type Registry } from 'prom-client'
import type { Events } from '../model/events.ts'
import { noticeResults } from '../model/notice.ts'
import { onReload } from './on-reload.ts'
import type { Readings } from './reading.ts'

/** Counts what became of notices. @returns what stops it */
export function countNotices(events: Events, registers: Registry[], readings: Readings) {
  const notices = new Counter({
    name: 'rekeyd_notices_total',
    help: 'Notices by channel: delivered, failed (and tried again), dropped (over before it got through).',
    labelNames: ['channel', 'result'],
    registers,
  })
  const declare = () => {
    for (const channel of readings.channels()) {
      for (const result of noticeResults) notices.inc({ channel, result }, 0)
    }
  }
  declare()
  return [
    onReload(events, declare),
    events.on('notice', ({ channel, result }) => notices.inc({ channel, result })),
  ]
}
