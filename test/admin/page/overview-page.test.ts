import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type AssetName, assetOf, assetTypes } from '../../../src/admin/page/assets.ts'
import { materialPage } from '../../../src/admin/page/material-page.ts'
import { overviewPage } from '../../../src/admin/page/overview-page.ts'
import { rotationPage } from '../../../src/admin/page/rotation-page.ts'
import type { MaterialView, RotationView } from '../../../src/operations/views.ts'
import { emptyStatus } from '../../fakes/fake-operations.ts'
import {
  longError,
  manyMaterials,
  now,
  sampleMaterial,
  samplePlan,
  sampleRotation,
  sampleRotations,
  sampleStatus,
} from './sample.ts'

const admin = { token: 'ops', scope: 'admin', csrf: 'c'.repeat(43) } as const
const sample = { status: sampleStatus, plan: samplePlan, rotations: sampleRotations }

function pageOf(materials: readonly MaterialView[], visitor: Parameters<typeof overviewPage>[1]) {
  return overviewPage({ ...sample, status: { ...sampleStatus, materials } }, visitor, now)
}

const namesIn = (page: string) =>
  [...page.matchAll(/<th scope="row"><a href="\/materials\/([a-z0-9-]+)">/g)].map(
    ([, name]) => name,
  )

describe('the status page', () => {
  it('puts the worst first', () => {
    const names = namesIn(overviewPage(sample, admin, now))
    assert.deepEqual(names.slice(0, 3), ['chat-tls', 'mail-dkim', 'chat-auth-token'])
    assert.equal(names.length, sampleStatus.materials.length)
  })

  it('says of each when and why, relative and absolute', () => {
    const page = overviewPage(sample, admin, now)
    assert.match(page, /<time datetime="2027-01-27T09:30:00Z">in 12 days<i>2027-01-27 09:30<\/i>/)
    assert.match(page, /<b class="badge warning">awaiting approval<\/b>/)
    assert.match(page, /By cli:eve, until <time datetime="2027-01-18T09:30:00Z">in 3 days/)
    assert.match(page, /Drift<\/b> at \/var\/lib\/chat\/server-cert\.der: holds something else/)
    assert.match(page, /<b>Hits<\/b> All sessions drop at the restart/)
    assert.ok(page.includes(longError.replaceAll("'", '&#39;')))
    assert.match(page, new RegExp(sampleStatus.audit_head))
  })

  it('tells the course of a material in words, too', () => {
    const page = pageOf([sampleMaterial()], admin)
    assert.match(
      page,
      /role="img"><title>manual: succeeded 2026-12-28 09:30; planned 2027-01-27 09:30; planned 2027-02-26 09:30<\/title>/,
    )
  })

  it('shows buttons only for what the visitor may do', () => {
    const buttons = (scope: 'read' | 'rotate' | 'admin') => {
      const details = { ...sample, material: sampleMaterial() }
      const page = materialPage(details, { token: 'ops', scope }, now)
      return [...page.matchAll(/data-do="(\w+)"/g)].map(([, action]) => action)
    }
    assert.deepEqual(buttons('read'), [])
    assert.deepEqual(buttons('rotate'), ['rotate', 'pause'])
    assert.deepEqual(buttons('admin'), ['rotate', 'pause', 'rollback'])
    assert.match(pageOf([], { token: 'ops', scope: 'read' }), /This token may only read/)
  })

  it('offers what fits the state', () => {
    const actions = (different: Partial<MaterialView>) =>
      [...pageOf([sampleMaterial(different)], admin).matchAll(/data-do="(\w+)"/g)].map(
        ([, action]) => action,
      )
    assert.deepEqual(actions({ state: 'awaiting_approval' }), ['approve'])
    assert.deepEqual(actions({ state: 'suspended' }), ['resume'])
    assert.deepEqual(actions({ state: 'rotating' }), [])
  })

  it('offers no compromised version to be given back', () => {
    const versions = sampleMaterial().versions.map((one) => ({ ...one, compromised: true }))
    const details = { ...sample, material: sampleMaterial({ versions }) }
    assert.ok(!materialPage(details, admin, now).includes('rollback'))
  })

  it('says what to do where there is nothing, and where the clock is not trusted', () => {
    assert.match(pageOf([], admin), /rekeyd manages nothing yet[\s\S]*rekeyd check-config/)
    const status = { ...emptyStatus, clock: { suspect: true, reason: 'it <jumped>' } }
    const page = overviewPage({ status, plan: [], rotations: [] }, admin, now)
    assert.match(page, /The clock is not trusted<\/b>: it &lt;jumped&gt;/)
  })

  it('shows each step with how long it took, who asked and why', () => {
    const page = rotationPage(sampleRotation, admin)
    assert.match(page, /Asked for by <b>cli:eve<\/b> \(manual\): the old laptop is gone/)
    assert.match(page, /<b>stage<\/b> <span>\/etc\/chat\/secrets\.env VAPID_PRIVATE_KEY<\/span>/)
    assert.match(page, /420 ms/)
    assert.match(page, /data-said="succeeded after 3 s" data-ended="succeeded"/)
    const { ended: _, result: __, ...open } = sampleRotation
    assert.match(rotationPage(open, admin), /data-said="step 6: finish done">/)
  })

  it('weighs less than 40 KB with its script and stylesheet for 20 materials', () => {
    const page = pageOf(manyMaterials(20), admin)
    const assets = Object.keys(assetTypes).map((name) => assetOf(name as AssetName).gzipped.length)
    const weight = Buffer.byteLength(page) + assets.reduce((sum, size) => sum + size, 0)
    assert.ok(weight < 40_000, `${weight} bytes`)
  })

  it('is made of 200 materials within 100 ms of work', () => {
    const materials = manyMaterials(200)
    pageOf(materials, admin)
    const times = Array.from({ length: 7 }, () => {
      const began = process.cpuUsage()
      pageOf(materials, admin)
      const { user, system } = process.cpuUsage(began)
      return (user + system) / 1_000
    })
    assert.ok(Math.min(...times) < 100, `${Math.min(...times)} ms`)
    assert.equal(namesIn(pageOf(materials, admin)).length, 200)
  })
})

describe('what others wrote, on the status page', () => {
  /** Every tag and attribute name of a page, in order: text that became markup changes it. */
  const skeleton = (page: string) =>
    [...page.matchAll(/<\/?[a-z][^\s>/]*(?:\s+[\w-]+(?:="[^"]*")?)*\s*\/?>/gi)].map(([tag]) =>
      tag.replace(/="[^"]*"/g, '=""'),
    )

  it('stays text, whatever it is', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        '</title></svg><script>',
        '</textarea><!--',
        '&lt;b&gt;',
      ),
    )
    const pages = (text: string) => {
      const material = sampleMaterial({
        kind: text,
        state: 'paused',
        reason: text,
        schedule: text,
        impact: text,
        consumers: [text],
        contains: [text],
        paused: { reason: text, who: text },
        drift: [{ where: 'target', place: text, detail: text }],
        targets: [{ type: text, path: text, key: text, version: text, live: text }],
      })
      const rotation: RotationView = {
        ...sampleRotation,
        actor: text,
        reason: text,
        detail: text,
        steps: sampleRotation.steps.map((step) => ({ ...step, subject: text, detail: text })),
      }
      const plan = samplePlan.map((item) => ({ ...item, consumers: [text], note: text }))
      const clock = { suspect: true, reason: text }
      const status = { ...sampleStatus, clock, materials: [material] }
      const all = { status, plan, rotations: [rotation] }
      return [
        overviewPage(all, admin, now),
        materialPage({ ...all, material }, admin, now),
        rotationPage(rotation, admin),
      ].map(skeleton)
    }
    const harmless = pages('text')
    fc.assert(
      fc.property(hostile, (text) => assert.deepEqual(pages(text), harmless)),
      { numRuns: 60 },
    )
  })
})
