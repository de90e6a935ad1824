/** What a notice is about. */
export type NoticeKind =
  | 'needs_attention'
  | 'suspended'
  | 'awaiting_approval'
  | 'overdue'
  | 'expiry'
  | 'drift'
  | 'restart'
  | 'impact'
  | 'success'
  | 'clock_suspect'
  | 'store_error'
  | 'backup_failed'
  | 'test'

/** What became of a notice on one channel: `failed` is tried again, `dropped` was over before it got through. */
export const noticeResults = ['delivered', 'failed', 'dropped'] as const
export type NoticeResult = (typeof noticeResults)[number]
