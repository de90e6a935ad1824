import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Operations } from '../../src/operations/operations.ts'
import { type ErrorKind, OperatorError } from '../../src/support/operator-error.ts'
import { ScratchOperations } from '../operations/scratch-operations.ts'

export interface OperationsFixture {
  readonly operations: Operations
  dispose(): Promise<void>
}

const alice = { who: 'cli:alice', why: 'because' }

/** What holds for both implementations (src/operations/operations.ts). */
export function describeOperations(
  name: string,
  open: (local: Operations, scratch: ScratchOperations) => Promise<OperationsFixture>,
): void {
  describe(`the operations contract, by ${name}`, () => {
    let scratch: ScratchOperations
    let fixture: OperationsFixture
    let operations: Operations
    let folder: string

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rekeyd-operations-'))
      scratch = new ScratchOperations()
      fixture = await open(await scratch.create(), scratch)
      operations = fixture.operations
    })
    afterEach(async () => {
      await fixture.dispose()
      scratch.dispose()
      await rm(folder, { recursive: true })
    })

    const rotate = async (material: string, options = {}) => {
      const { id } = await operations.startRotation(material, options, alice)
      return operations.wait(id)
    }

    it('shows the status of every material', async () => {
      const status = await operations.status()
      assert.equal(status.schema_version, 1)
      assert.equal(status.version, '1.2.3')
      assert.equal(status.daemon, true)
      assert.deepEqual(status.clock, { suspect: false })
      assert.match(status.audit_head, /^\d+:[0-9a-f]{64}$/)
      const [key] = status.materials
      assert.deepEqual(
        status.materials.map((material) => material.name),
        ['key', 'shared', 'fading'],
      )
      assert.equal(key?.active?.version, 1)
      assert.equal(key?.targets[0]?.live, 'version 1')
      assert.deepEqual(key, await operations.material('key'))
    })

    it('rotates, waits for the end and records who asked', async () => {
      const first = scratch.live('key')
      const rotation = await rotate('key')
      assert.equal(rotation.result, 'succeeded')
      assert.equal(rotation.actor, 'cli:alice')
      assert.equal(rotation.reason, 'because')
      assert.deepEqual(rotation.changes, [{ material: 'key', from: 1, to: 2 }])
      assert.notEqual(scratch.live('key'), first)
      assert.deepEqual(await operations.rotation(rotation.id), rotation)
      assert.deepEqual(await operations.wait(rotation.id), rotation)
    })

    it('answers wait only when the rotation has ended, and then at once', async () => {
      const gate = Promise.withResolvers<void>()
      scratch.held.gate = gate.promise
      const { id } = await operations.startRotation('key', {}, alice)
      let ended = false
      const waiting = operations.wait(id).finally(() => {
        ended = true
      })
      assert.equal((await operations.rotation(id)).result, undefined)
      assert.equal((await operations.material('key')).state, 'rotating')
      assert.equal(ended, false)
      gate.resolve()
      assert.equal((await waiting).result, 'succeeded')
      assert.equal((await rotate('key')).result, 'succeeded')
    })

    it('is busy while another rotation of the same material runs', async () => {
      const gate = Promise.withResolvers<void>()
      scratch.held.gate = gate.promise
      const { id } = await operations.startRotation('key', {}, alice)
      const again = operations.startRotation('key', {}, alice)
      await refused(again, 'busy', /another rotation/, /rekeyd status/)
      gate.resolve()
      await operations.wait(id)
    })

    it('refuses what breaks clients until the name is given, and says so beforehand', async () => {
      await refused(operations.startRotation('shared', {}, alice), 'refused', /all sessions drop/)
      const dry = await operations.dryRun('shared', {})
      assert.match(dry.refused?.reason ?? '', /all sessions drop/)
      assert.match(dry.refused?.hint ?? '', /--accept-impact=shared/)
      assert.equal(dry.impact, 'all sessions drop')
      assert.equal((await operations.dryRun('shared', accepting('shared'))).refused, undefined)
      assert.equal((await operations.material('shared')).active?.version, 1)
      assert.equal((await rotate('shared', accepting('shared'))).result, 'succeeded')
    })

    it('says how many are hit where one material is asked for, or that nobody could count them', async () => {
      const counted = { unit: 'users', count: 412 }
      assert.deepEqual((await operations.material('shared')).impact_count, counted)
      assert.deepEqual((await operations.dryRun('shared', {})).impact_count, counted)
      assert.equal((await operations.material('key')).impact_count, undefined)
      const { materials } = await operations.status()
      assert.ok(materials.every((material) => material.impact_count === undefined))
      scratch.impactCount = { unit: 'users', problem: 'no answer within 3s' }
      const view = await operations.material('shared')
      assert.deepEqual(view.impact_count, scratch.impactCount)
      assert.equal(view.impact, 'all sessions drop')
      assert.equal((await rotate('shared', accepting('shared'))).result, 'succeeded')
    })

    it('refuses outside the window unless it is to be now', async () => {
      scratch.planner.isOpen = false
      await refused(operations.startRotation('key', {}, alice), 'refused', /window/)
      assert.equal((await rotate('key', { now: true })).result, 'succeeded')
    })

    it('rotates what is due, also nothing', async () => {
      assert.deepEqual(await operations.rotateDue(alice), [])
      scratch.planner.dueNow = ['key', 'fading']
      const rotations = await operations.rotateDue(alice)
      assert.deepEqual(
        rotations.map(({ result, changes }) => [result, changes[0]?.material]),
        [
          ['succeeded', 'key'],
          ['succeeded', 'fading'],
        ],
      )
    })

    it('gives the previous version back, and refuses where there is none', async () => {
      const first = scratch.live('fading')
      await refused(operations.rollback('fading', {}, alice), 'refused')
      await rotate('fading')
      const rotation = await operations.rollback('fading', {}, alice)
      assert.equal(rotation.trigger, 'rollback')
      assert.equal(rotation.result, 'succeeded')
      assert.equal(scratch.live('fading'), first)
      await refused(operations.rollback('fading', { to: 77 }, alice), 'refused')
    })

    it('ends an overlap, and refuses where there is none', async () => {
      await refused(operations.endOverlap('fading', {}, alice), 'refused', /overlap/)
      await rotate('fading')
      assert.equal((await operations.endOverlap('fading', {}, alice)).result, 'succeeded')
      const [, old] = (await operations.material('fading')).versions
      assert.equal(old?.state, 'withdrawn')
    })

    it('pauses and resumes one material, and all', async () => {
      const until = '2027-03-01T00:00:00.000Z'
      await operations.pause('key', until, 'holidays', alice)
      const paused = { until, reason: 'holidays', who: 'cli:alice' }
      assert.deepEqual((await operations.material('key')).paused, paused)
      assert.equal((await operations.material('shared')).paused, undefined)
      await operations.pause(undefined, undefined, 'incident', alice)
      const { materials } = await operations.status()
      assert.ok(materials.every((material) => material.paused?.reason === 'incident'))
      await operations.resume('key', alice)
      assert.equal((await operations.material('key')).paused, undefined)
      await operations.resume(undefined, alice)
      assert.equal((await operations.material('shared')).paused, undefined)
      await refused(operations.pause('key', 'soon', 'x', alice), 'usage', /until/)
    })

    it('passes an approval on', async () => {
      await operations.approve('key', alice)
      assert.deepEqual(scratch.planner.approved, ['key by cli:alice'])
    })

    it('verifies, and says what is not so', async () => {
      assert.equal((await operations.verify('key')).ok, true)
      scratch.scratch.world.places.set('/key', 'edited')
      const view = await operations.verify('key')
      assert.equal(view.ok, false)
      assert.equal(view.targets[0]?.live, 'something else')
    })

    it('adopts what is live', async () => {
      scratch.scratch.world.places.set('/key', 'edited')
      await operations.verify('key')
      const [drift] = (await operations.material('key')).drift
      assert.equal(drift?.where, 'target')
      const version = await operations.adopt('key', alice)
      assert.equal(version.version, 2)
      assert.equal(version.origin, 'adopted')
      assert.deepEqual((await operations.material('key')).drift, [])
    })

    it('applies the active version to a target that holds something else', async () => {
      const first = scratch.live('key')
      scratch.scratch.world.places.set('/key', 'edited')
      assert.equal((await operations.apply('key', {}, alice))?.trigger, 'apply')
      assert.equal(scratch.live('key'), first)
    })

    it('imports a version once', async () => {
      const path = join(folder, 'value')
      await writeFile(path, 'made elsewhere')
      const parts = [{ part: 'value', path }]
      assert.equal((await operations.import('key', parts, {}, alice))?.trigger, 'import')
      assert.equal(scratch.live('key'), 'made elsewhere')
      assert.equal(await operations.import('key', parts, {}, alice), undefined)
      const absent = [{ part: 'value', path: join(folder, 'absent') }]
      await refused(operations.import('key', absent, {}, alice), 'failed', /absent/)
      await refused(operations.import('key', [{ part: 'soul', path }], {}, alice), 'usage', /soul/)
    })

    it('imports from files alone, and waits for nobody who would write to one', async () => {
      const fifo = join(folder, 'fifo')
      execFileSync('/usr/bin/mkfifo', [fifo])
      for (const path of [fifo, folder, '/dev/zero']) {
        const found = operations.import('key', [{ part: 'value', path }], {}, alice)
        await refused(found, 'failed', /not a regular file/)
      }
    })

    it('replaces a compromised version, and nothing that it contains', async () => {
      const before = scratch.live('shared')
      const view = await operations.compromise('key', { on_failure: 'stay-down' }, alice)
      assert.deepEqual([view.trigger, view.result], ['compromise', 'succeeded'])
      const [, old] = (await operations.material('key')).versions
      assert.equal(old?.compromised, true)
      assert.deepEqual(view.endangers, [
        {
          material: 'shared',
          kind: 'memory',
          through: ['key'],
          impact: 'all sessions drop',
          command: 'rekeyd compromise shared',
        },
      ])
      assert.deepEqual(view.contained_in, [])
      assert.match(view.elsewhere.join(), /tell the others.*backups .* still contain the old value/)
      assert.equal(scratch.live('shared'), before)
      const other = await operations.compromise('shared', accepting('shared'), alice)
      assert.deepEqual(other.contained_in, ['key'])
    })

    it('refuses everything that breaks clients until the name is given, and does nothing before', async () => {
      const path = join(folder, 'value')
      await writeFile(path, 'made elsewhere')
      const parts = [{ part: 'value', path }]
      await rotate('shared', accepting('shared'))
      const before = await operations.material('shared')
      const asked: Readonly<
        Record<string, (options: { accept_impact?: string }) => Promise<unknown>>
      > = {
        rollback: (options) => operations.rollback('shared', options, alice),
        'end-overlap': (options) => operations.endOverlap('shared', options, alice),
        import: (options) => operations.import('shared', parts, options, alice),
        apply: (options) => operations.apply('shared', options, alice),
        compromise: (options) => operations.compromise('shared', options, alice),
      }
      for (const [verb, ask] of Object.entries(asked)) {
        const hint = new RegExp(`rekeyd ${verb} shared --accept-impact=shared`)
        await refused(ask({}), 'refused', /breaks clients of shared: all sessions drop/, hint)
        await refused(ask(accepting('key')), 'refused', /all sessions drop/)
        assert.deepEqual(await operations.material('shared'), before, verb)
      }
      await asked['import']?.(accepting('shared'))
      assert.equal(await asked['import']?.({}), undefined, 'it is active: nobody is hit')
    })

    it('sends test notices, on one channel or on all', async () => {
      const sent = [{ channel: 'ntfy', ok: true, seconds: 0.1 }]
      assert.deepEqual(await operations.testNotices(undefined), sent)
      assert.deepEqual(await operations.testNotices('ntfy'), sent)
      await assert.rejects(operations.testNotices('pigeon'), { kind: 'usage' })
    })

    it('deletes backups only when that is asked for, and only of what was replaced', async () => {
      await operations.compromise('key', {}, alice)
      assert.equal(scratch.backups, 3)
      scratch.scratch.world.before = (effect) => {
        if (effect === 'check /key') throw new Error('not now')
      }
      const failed = await operations.compromise('key', { purge: true }, alice)
      assert.deepEqual([failed.result, failed.purged, scratch.backups], ['failed', undefined, 3])
      scratch.scratch.world.before = () => {}
      const { purged, elsewhere } = await operations.compromise('key', { purge: true }, alice)
      assert.deepEqual([purged, scratch.backups], [3, 1])
      assert.match(elsewhere.join(), /backups elsewhere still contain/)
      scratch.backups = 0
      const view = await operations.compromise('key', { purge: true }, alice)
      assert.deepEqual([view.result, view.purge_failed], ['succeeded', 'the folder is read-only'])
      assert.match(view.elsewhere.join(), /none of them was deleted/)
    })

    it('tells who is down for how long, and what comes after', async () => {
      const dry = await operations.dryRun('fading', {})
      // The clock stands still while the first version was made.
      const hit = {
        consumer: 'fading-server',
        verb: 'restart',
        usual_seconds: 0,
        at_most_seconds: 7,
      }
      assert.deepEqual(dry.consumers, [hit])
      assert.match(dry.due_again ?? '', /^\d{4}-.*Z$/)
      const overlap = Date.parse(dry.overlap_until ?? '') - scratch.scratch.clock.now()
      assert.ok(overlap > 0 && overlap <= 60_000)
      assert.equal((await operations.dryRun('key', {})).overlap_until, undefined)
    })

    it('rehearses without a trace but the audit row', async () => {
      const [live, versions] = [scratch.live('key'), (await operations.material('key')).versions]
      const view = await operations.rehearse('key', alice)
      assert.equal(view.ok, true)
      assert.equal(view.material, 'key')
      assert.equal(scratch.live('key'), live)
      assert.equal(scratch.held.leftovers, 0)
      assert.deepEqual((await operations.material('key')).versions, versions)
      assert.deepEqual((await operations.history({ limit: 9, material: 'key' })).length, 1)
      const row = (await operations.audit(0, 500)).at(-1)
      assert.deepEqual(
        [row?.action, row?.material, row?.who, row?.detail],
        ['material.rehearse', 'key', 'cli:alice', 'nothing failed'],
      )
      assert.equal((await rotate('key')).changes[0]?.to, 2, 'no number was used up')
    })

    it('puts into the audit log who may ask and who may not any more', async () => {
      const { audit_head: head } = await operations.status()
      const expires = '2027-04-01T00:00:00.000Z'
      await operations.tokenChanged({ done: 'add', name: 'grafana', scope: 'read', expires }, alice)
      await operations.tokenChanged({ done: 'revoke', name: 'grafana' }, alice)
      const rows = await operations.audit(Number.parseInt(head, 10), 10)
      assert.deepEqual(
        rows.map(({ action, who, detail }) => [action, who, detail]),
        [
          ['api-token.add', 'cli:alice', `grafana, read until ${expires}`],
          ['api-token.revoke', 'cli:alice', 'grafana'],
        ],
      )
    })

    it('is busy with a rehearsal during a rotation', async () => {
      const gate = Promise.withResolvers<void>()
      scratch.held.gate = gate.promise
      const { id } = await operations.startRotation('key', {}, alice)
      await refused(operations.rehearse('key', alice), 'busy')
      gate.resolve()
      await operations.wait(id)
    })

    it('asks the doctor', async () => {
      const view = await operations.doctor()
      assert.deepEqual([view.schema_version, view.ok, view.findings], [1, true, []])
    })

    it('lets a person do what a pause keeps the schedule from', async () => {
      await operations.pause('key', undefined, 'holidays', alice)
      assert.equal((await rotate('key')).result, 'succeeded')
      assert.equal((await operations.compromise('key', {}, alice)).result, 'succeeded')
      assert.equal((await operations.material('key')).paused?.reason, 'holidays')
    })

    it('marks what has leaked before the rotation under way has ended', async () => {
      const gate = Promise.withResolvers<void>()
      scratch.held.gate = gate.promise
      const { id } = await operations.startRotation('key', {}, alice)
      const compromised = operations.compromise('key', {}, alice)
      const isMarked = async () => (await operations.material('key')).active?.compromised === true
      for (let look = 0; !(await isMarked()); look += 1) assert.ok(look < 1_000)
      assert.equal((await operations.rotation(id)).result, undefined)
      gate.resolve()
      assert.equal((await compromised).id, id, 'it has replaced what leaked')
      assert.equal((await operations.material('key')).active?.version, 2)
    })

    it('says that the mark stays where the version was not replaced', async () => {
      scratch.refuse('not for one host alone')
      const asked = operations.compromise('key', {}, alice)
      await refused(
        asked,
        'refused',
        /key is marked as compromised, but was not replaced: not for one host/,
      )
      assert.equal((await operations.material('key')).active?.compromised, true)
    })

    it('makes no certificate request for what has no certificate', async () => {
      await refused(operations.csr('key', alice), 'refused', /certificate request/)
    })

    it('reveals to a new file of the owner, and never over one that exists', async () => {
      const out = join(folder, 'revealed')
      const shown = await operations.reveal('key', undefined, undefined, undefined, out, alice)
      assert.deepEqual(shown, { version: 1 })
      assert.equal(await readFile(out, 'utf8'), scratch.live('key'))
      assert.equal((await stat(out)).mode & 0o777, 0o600)
      const again = operations.reveal('key', 1, 'value', 'raw', out, alice)
      await refused(again, 'refused', /exists/, /name a file that does not exist/)
      const nowhere = join(folder, 'nowhere', 'revealed')
      const lost = operations.reveal('key', 1, 'value', 'raw', nowhere, alice)
      await refused(lost, 'refused', /cannot be created/, /a folder that rekeyd may write to/)
      const other = join(folder, 'other')
      const next = operations.reveal('key', 'next', undefined, undefined, other, alice)
      await refused(next, 'not-found', /no next version/)
    })

    it('lists rotations newest first, page by page', async () => {
      for (const material of ['key', 'fading', 'key']) await rotate(material)
      const all = await operations.history({ limit: 100 })
      assert.deepEqual(
        all.slice(0, 3).map(({ changes }) => changes[0]?.material),
        ['key', 'fading', 'key'],
      )
      assert.deepEqual(await operations.history({ limit: 2 }), all.slice(0, 2))
      const before = all[1]?.id ?? ''
      assert.deepEqual(await operations.history({ limit: 100, before }), all.slice(2))
      const ofFading = await operations.history({ material: 'fading', limit: 1 })
      assert.deepEqual(ofFading, all.slice(1, 2))
    })

    it('shows the audit log after a row', async () => {
      await rotate('key')
      const rows = await operations.audit(0, 1_000)
      assert.ok(rows.some(({ who, why }) => who === 'cli:alice' && why === 'because'))
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        rows.map((_, index) => index + 1),
      )
      assert.deepEqual(await operations.audit(2, 3), rows.slice(2, 5))
    })

    it('plans', async () => {
      const item = { at: '2027-02-01T00:00:00.000Z', material: 'key', consumers: ['key-server'] }
      scratch.planner.items = [{ ...item, action: 'rotate' }]
      assert.deepEqual(await operations.plan(90), [{ ...item, action: 'rotate' }])
      assert.deepEqual(await operations.plan(0), [])
    })

    it('finds no material and no rotation that does not exist', async () => {
      const unknown = 'elsewhere'
      for (const asked of [
        () => operations.material(unknown),
        () => operations.startRotation(unknown, {}, alice),
        () => operations.dryRun(unknown, {}),
        () => operations.rehearse(unknown, alice),
        () => operations.rollback(unknown, {}, alice),
        () => operations.endOverlap(unknown, {}, alice),
        () => operations.compromise(unknown, {}, alice),
        () => operations.pause(unknown, undefined, 'x', alice),
        () => operations.approve(unknown, alice),
        () => operations.verify(unknown),
        () => operations.adopt(unknown, alice),
        () => operations.material('Not A Name'),
        () => operations.material('../../etc/passwd'),
        () => operations.rotation('0123'),
        () => operations.wait('0123'),
      ]) {
        await refused(asked(), 'not-found')
      }
    })
  })
}

function accepting(name: string) {
  return { accept_impact: name }
}

async function refused(
  asked: Promise<unknown>,
  kind: ErrorKind,
  message = /./,
  hint?: RegExp,
): Promise<void> {
  await assert.rejects(asked, (error: unknown) => {
    assert.ok(error instanceof OperatorError, String(error))
    assert.match(error.message, message)
    assert.equal(error.kind, kind, error.message)
    if (hint) assert.match(error.hint ?? '', hint)
    return true
  })
}
