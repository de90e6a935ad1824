import { basename, dirname } from 'node:path'
import type { Kind } from '../materials/kind.ts'
import { refuseSharedSecret } from '../materials/quptime-cluster.ts'
import type { ManagedMaterial } from '../rotation/managed.ts'
import type { Target } from '../targets/target.ts'

/**
 * Who must not be rotated by one host alone. QUptime's cluster secret is a token like any other, known only by
 * where it is written: every node has the same one.
 */
export function permission(
  kind: Kind,
  targets: readonly Target[],
): Pick<ManagedMaterial, 'permit'> {
  if (kind.madeBy === 'rekeyd' && kind.permit) return { permit: async () => kind.permit?.() }

  const secret = targets
    .map(({ place }) => place)
    .find(({ path, key }) => basename(path) === 'node.yaml' && key === '/cluster_secret')
  return secret ? { permit: () => refuseSharedSecret(dirname(secret.path)) } : {}
}
