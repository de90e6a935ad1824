import { formatAuditHead } from './audit-head.ts'
import { instant, materialView } from './material-view.ts'
import type { OperationsParts } from './operations-parts.ts'
import type { StatusView } from './views.ts'

/** Where everything stands at this moment. */
export function statusView(parts: OperationsParts): StatusView {
  const { surroundings, materials, audit } = parts
  const { version, mode, daemon, started, paths } = surroundings
  return {
    schema_version: 1,
    version,
    mode,
    daemon,
    pid: process.pid,
    ...(started !== undefined && { started: instant(started) }),
    paths,
    clock: surroundings.clock(),
    audit_head: formatAuditHead(audit.head()),
    materials: materials.map((material) => materialView(material, parts)),
  }
}
