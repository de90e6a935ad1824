import { join } from 'node:path'
import { z } from 'zod'
import type { Host } from '../host.ts'
import { onlyIf } from '../only-if.ts'
import type { Draft, Finding, MaterialDraft, Preset } from '../preset.ts'
import {
  assumedUnit,
  consumerOf,
  envTarget,
  findRunners,
  findVariable,
  plainVariable,
  type Runner,
  runnerOf,
  type Variable,
} from '../runner.ts'
import { readYaml } from '../structured-file.ts'
import { fileTarget, userIdOf } from '../tls-material.ts'
import { flow } from '../yaml-flow.ts'

const unitName = 'quptime.service'
const packageData = '/etc/quptime'
const usualPort = 9901

const nodeSchema = z.object({
  node_id: z.string(),
  bind_port: z.int().optional(),
  cluster_secret: z.string().nullish(),
})
const clusterSchema = z.object({ peers: z.array(z.object({ node_id: z.string() })).nullish() })

/** A QUptime node: its identity, and up to 0.1.2 the secret of its cluster. */
export const quptime: Preset = {
  summary: 'QUptime: node identity, cluster secret (up to 0.1.2)',
  looksFor: `node.yaml in ${packageData} or in the QUPTIME_DIR of ${unitName} or of a Compose service of quptime`,
  async survey(host) {
    const runner = runnerOf(await findRunners(host), unitName, /^qu$|quptime/)
    const node = await findNode(host, runner)
    return node && draftOf(node)
  },
}

interface Node {
  readonly host: Host
  readonly runner: Runner
  readonly known: boolean
  readonly data: string
  readonly port: string | number
  readonly secret: string | undefined
  readonly ofEnvironment: Variable | undefined
  /** Other nodes of the cluster. */
  readonly peers: number
}

async function findNode(host: Host, found: Runner | undefined): Promise<Node | undefined> {
  const inside = (await plainVariable(host, found, 'QUPTIME_DIR')) ?? packageData
  const data = found?.hostPath(inside) ?? inside
  const { data: node } = nodeSchema.safeParse(await readYaml(host, join(data, 'node.yaml')))
  if (!node) return undefined
  const port = await plainVariable(host, found, 'QUPTIME_BIND_PORT')
  return {
    host,
    runner: found ?? assumedUnit(unitName),
    known: found !== undefined,
    data,
    port: port ?? node.bind_port ?? usualPort,
    secret: node.cluster_secret || undefined,
    ofEnvironment: found && (await findVariable(host, found, 'QUPTIME_CLUSTER_SECRET')),
    peers: await peersOf(host, data, node.node_id),
  }
}

async function peersOf(host: Host, data: string, own: string): Promise<number> {
  const { data: cluster } = clusterSchema.safeParse(
    await readYaml(host, join(data, 'cluster.yaml')),
  )
  return (cluster?.peers ?? []).filter(({ node_id }) => node_id !== own).length
}

function draftOf(node: Node): Draft {
  const { host, runner, known, secret, ofEnvironment, peers, port } = node
  const inline = ofEnvironment !== undefined && 'inline' in ofEnvironment
  return {
    found: findingsOf(node),
    unknown: [
      ...onlyIf(!known, `how the node is run: ${unitName} is assumed, as its package has it`),
      ...onlyIf(
        secret !== undefined && inline,
        `cluster secret: QUPTIME_CLUSTER_SECRET is set in ${runner.where} itself, which rekeyd does not write; move it into a file and run init again`,
      ),
      ...onlyIf(
        peers > 0,
        'how to tell the other nodes: rekeyd refuses to replace what a cluster shares, and says the steps by hand',
      ),
    ],
    consumers: [
      consumerOf(host, 'quptime', runner, { ready: [{ tls: { connect: `127.0.0.1:${port}` } }] }),
    ],
    materials: [...(secret === undefined || inline ? [] : [clusterSecret(node)]), identity(node)],
  }
}

function findingsOf({ runner, known, data, secret, peers }: Node): readonly Finding[] {
  const others = `of a cluster with ${peers} other${peers === 1 ? '' : 's'}`
  const age = secret
    ? 'a cluster secret, so qu is 0.1.2 or older'
    : 'no cluster secret, so qu is 0.2.0 or newer'
  return [
    ...onlyIf(known, { what: runner.what, where: runner.where }),
    { what: `a node ${peers === 0 ? 'that is alone' : others}`, where: data },
    { what: age, where: join(data, 'node.yaml') },
  ]
}

function clusterSecret({ host, data, ofEnvironment, peers }: Node): MaterialDraft {
  const shared = peers > 0
  return {
    name: 'cluster-secret',
    about: [
      shared
        ? 'Shared by the nodes: a leak is for `rekeyd compromise`, which says what to do on each.'
        : 'Lets nodes join; those that have joined do not need it.',
    ],
    kind: 'token',
    rotate: shared ? { onCompromise: true } : { every: '365d' },
    lines: [
      'alphabet: base64',
      'targets:',
      ofEnvironment && !('inline' in ofEnvironment)
        ? envTarget(host, ofEnvironment)
        : `  - yaml: ${flow({ path: host.here(join(data, 'node.yaml')), pointer: '/cluster_secret' })}`,
      'consumers: [quptime]',
      'verify: none # only another node could prove it, by joining',
    ],
  }
}

function identity({ host, runner, data, port }: Node): MaterialDraft {
  const uid = runner.service ? undefined : userIdOf(host, runner.user)
  const target = (name: string, part: string, format: string) =>
    fileTarget(host, join(data, 'keys', name), { part, format }, uid).line
  return {
    name: 'node-identity',
    about: ['Other nodes know this one by its key: nothing but a leak is a reason to replace it.'],
    kind: 'node-identity',
    rotate: { onCompromise: true },
    lines: [
      `data_dir: ${flow(host.here(data))}`,
      'targets:',
      target('private.pem', 'private_key', 'pkcs1-pem'),
      target('public.pem', 'public_key', 'pem'),
      target('cert.pem', 'certificate', 'pem'),
      'consumers: [quptime]',
      `verify: ${flow([{ tls: { connect: `127.0.0.1:${port}` } }])}`,
    ],
  }
}
