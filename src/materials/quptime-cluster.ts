import { join } from 'node:path'
import { z } from 'zod'
import { readInputFile, readOptionalFile } from '../support/input-file.ts'
import { OperatorError } from '../support/operator-error.ts'

/** What we read of a node's own file; qu blanks the secret from 0.2.0 on. */
const nodeFile = z.object({ node_id: z.string().min(1), cluster_secret: z.string().nullish() })
/** What we read of the file that all nodes share. It holds alert passwords, too. */
const clusterFile = z.object({ peers: z.array(z.object({ node_id: z.string() })).nullish() })

/**
 * This node's own id, from `node.yaml`. The environment of the unit may override it.
 * @throws OperatorError when the file is missing or damaged
 */
export async function nodeIdOf(dataDir: string): Promise<string> {
  return (await readNode(dataDir)).node_id
}

/**
 * The ids of the other nodes that `cluster.yaml` lists; none without that file.
 * @throws OperatorError when it cannot be read: then nobody knows
 */
export async function clusterPeers(dataDir: string, nodeId: string): Promise<readonly string[]> {
  const path = join(dataDir, 'cluster.yaml')
  const bytes = await readOptionalFile(path)
  if (!bytes) return []
  const { peers } = await parseYaml(path, bytes, clusterFile)
  return (peers ?? []).map(({ node_id }) => node_id).filter((id) => id !== nodeId)
}

/**
 * Whether this node's qu is one without a cluster secret (0.2.0 and newer): `node.yaml` has none, or an empty one.
 * @throws OperatorError when the file is missing or damaged
 */
export async function secretIsGone(dataDir: string): Promise<boolean> {
  return !(await readNode(dataDir)).cluster_secret
}

/**
 * Refuses to replace the identity of a node that others know by it.
 * @throws OperatorError of kind `refused` with the manual steps
 */
export async function refuseSharedIdentity(dataDir: string, nodeId: string): Promise<void> {
  const peers = await clusterPeers(dataDir, nodeId)
  if (peers.length === 0) return
  throw new OperatorError(
    `${dataDir}: other nodes of the cluster (${peers.length}) trust this identity`,
    {
      kind: 'refused',
      hint:
        'by hand: `qu enroll create` on another node, stop this one, empty its folder, `qu enroll join`, ' +
        'start it, then remove the old id with `qu node remove` and from the trust list of every node',
    },
  )
}

/**
 * Refuses to replace a cluster secret that other nodes share, or that qu no longer has.
 * @throws OperatorError of kind `refused` with the manual steps
 */
export async function refuseSharedSecret(dataDir: string): Promise<void> {
  if (await secretIsGone(dataDir)) {
    throw new OperatorError(
      `${dataDir}: this qu has no cluster secret (0.2.0 and newer have none)`,
      {
        kind: 'refused',
        hint: 'remove the material; what lets nodes in now are enrollments: `qu enroll list` and `revoke`',
      },
    )
  }
  const peers = await clusterPeers(dataDir, await nodeIdOf(dataDir))
  if (peers.length === 0) return
  throw new OperatorError(
    `${dataDir}: other nodes of the cluster (${peers.length}) share this secret`,
    {
      kind: 'refused',
      hint: 'by hand: write the new one into every node.yaml, restart one by one, the smallest id last',
    },
  )
}

async function readNode(dataDir: string) {
  const path = join(dataDir, 'node.yaml')
  return parseYaml(path, await readInputFile(path), nodeFile)
}

/** The parser's own messages quote the input, so they are left out. */
async function parseYaml<T>(path: string, bytes: Buffer, schema: z.ZodType<T>): Promise<T> {
  const { parse } = await import('yaml')
  let content: unknown
  try {
    content = parse(bytes.toString('utf8'), { logLevel: 'silent' })
  } catch {
    throw new OperatorError(`${path} is not valid YAML`)
  } finally {
    bytes.fill(0)
  }
  const { data } = schema.safeParse(content)
  if (!data) throw new OperatorError(`${path} is not what qu writes there`)
  return data
}
