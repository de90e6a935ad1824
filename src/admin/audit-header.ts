import type { AdminOptions } from './admin-app.ts'

/**
 * The head of the audit log as it is now, as a header. Whoever keeps one can show later that the log was cut
 * off or changed. Nothing where the store cannot be asked: the answer itself matters more.
 */
export function auditHeader({ auditHead }: Pick<AdminOptions, 'auditHead'>) {
  try {
    return { 'Rekeyd-Audit-Head': auditHead() }
  } catch {
    return {}
  }
}
