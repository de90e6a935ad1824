import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  clusterPeers,
  nodeIdOf,
  refuseSharedIdentity,
  refuseSharedSecret,
  secretIsGone,
} from '../../src/materials/quptime-cluster.ts'
import { OperatorError } from '../../src/support/operator-error.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rekeyd-quptime-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (name: string, text: string) => writeFile(join(folder, name), text)
const canary = 'canary-5ecre7'

describe('the cluster rules of QUptime', () => {
  it('knows the other peers, and none without cluster.yaml', async () => {
    assert.deepEqual(await clusterPeers(folder, 'a'), [])
    await write('cluster.yaml', 'version: 7\npeers:\n- node_id: a\n- node_id: b\nalerts: []\n')
    assert.deepEqual(await clusterPeers(folder, 'a'), ['b'])
    await write('cluster.yaml', 'version: 1\npeers: []\n')
    assert.deepEqual(await clusterPeers(folder, 'a'), [])
    await assert.doesNotReject(refuseSharedIdentity(folder, 'a'))
  })

  it('tells whether qu still has a cluster secret', async () => {
    for (const [line, gone] of [
      ['cluster_secret: "c2VjcmV0"', false],
      ['cluster_secret: ""', true],
      ['cluster_secret:', true],
      ['bind_port: 9901', true],
    ] as const) {
      await write('node.yaml', `node_id: a\n${line}\n`)
      assert.equal(await secretIsGone(folder), gone, line)
    }
  })

  it('refuses a secret that is gone, or that others share, with what to do instead', async () => {
    const refusal = (hint: RegExp) => (error: OperatorError) => {
      assert.equal(error.kind, 'refused')
      assert.match(error.hint ?? '', hint)
      return true
    }
    await write('node.yaml', 'node_id: a\n')
    await assert.rejects(refuseSharedSecret(folder), refusal(/qu enroll list/))
    await write('node.yaml', 'node_id: a\ncluster_secret: x\n')
    await assert.doesNotReject(refuseSharedSecret(folder))
    await write('cluster.yaml', 'peers: [{ node_id: b }]\n')
    await assert.rejects(refuseSharedSecret(folder), refusal(/every node\.yaml/))
  })

  it('does not guess when a file cannot be read, and quotes none', async () => {
    await assert.rejects(nodeIdOf(folder), /node\.yaml: no such file or directory/)
    await write('node.yaml', 'node_id: a\n')
    for (const text of [
      `peers: [${canary}`,
      `peers: ${canary}`,
      `peers:\n- ${canary}`,
      canary,
      '[[[['.repeat(20_000),
      'x'.repeat(2_000_000),
      'a: &a [1]\npeers: *b\n',
    ]) {
      await write('cluster.yaml', text)
      await assert.rejects(clusterPeers(folder, 'a'), (error) => {
        assert.ok(error instanceof OperatorError, inspect(error))
        assert.match(error.message, /cluster\.yaml/)
        assert.ok(!inspect(error, { depth: 10 }).includes(canary))
        return true
      })
    }
  })
})
