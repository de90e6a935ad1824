import type { Announcement, Notice } from '../../src/notices/notice.ts'
import type { MaterialOutlook } from '../../src/notices/outlook.ts'

/** A notice with everything in it, and what is different about it. */
export function noticeLike(different: Partial<Notice> = {}): Notice {
  return {
    ...announcementLike(),
    id: 'msg_1',
    at: Date.parse('2027-01-01T00:00:00Z'),
    host: 'chat-1',
    ...different,
  }
}

function announcementLike(different: Partial<Announcement> = {}): Announcement {
  return {
    cause: 'suspended chat-tls',
    kind: 'suspended',
    severity: 'critical',
    title: 'chat-tls is suspended: it is not tried any more',
    lines: ['the server did not start <1 & 2>', 'Try again: `rekeyd resume chat-tls`'],
    materials: ['chat-tls'],
    command: 'rekeyd resume chat-tls',
    reminded: true,
    ...different,
  }
}

/** A material in good order, and what is different about it. */
export function materialLike(different: Partial<MaterialOutlook> = {}): MaterialOutlook {
  const name = different.name ?? 'chat-tls'
  return {
    name,
    schedule: { material: name, failures: 0, rollbacks: [] },
    awaitsApproval: false,
    needsApproval: false,
    observed: false,
    alertLead: 3_600_000,
    drift: [],
    planned: [],
    ...different,
  }
}
