import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { SecretBytes } from '../../src/model/secret-bytes.ts'
import type { Edition } from '../../src/model/version.ts'
import { LiveChanged, type Move, type Target } from '../../src/targets/target.ts'

/** A fresh place in a folder of its own. */
export interface TestPlace {
  readonly target: Target
  readonly first: Edition
  readonly second: Edition
  /** What it holds at the beginning, where that is an edition: handed over as `previous`. */
  readonly initial?: Edition
  /** Another target with the same switch, and what it is to hold. */
  readonly neighbour?: { readonly target: Target; readonly edition: Edition }
  /** Everything live, for deepEqual: bytes, owner, mode; undefined when there is nothing. */
  readonly snapshot: () => Promise<unknown>
  /** What ours is called beside it, staged or kept. */
  readonly leftovers: () => Promise<readonly string[]>
  /** An operator's change beside the value: another key, another row. Absent where there is no beside. */
  readonly edit?: () => Promise<void>
  /** Whether that change is there. */
  readonly isEdited?: () => Promise<boolean>
  /** An operator's change of the value itself. */
  readonly overwrite?: () => Promise<void>
  /** Makes it impossible to tell what it holds. */
  readonly hide?: () => Promise<void>
}

const signal = new AbortController().signal

/** The contract of `Target`, for every type and every state a place may be in before the first rotation. */
export function describeTarget(name: string, open: (folder: string) => Promise<TestPlace>): void {
  const test = (title: string, run: (place: TestPlace) => Promise<void>): void => {
    it(title, async () => {
      const around = await mkdtemp(join(tmpdir(), 'rekeyd-target-'))
      const folder = join(around, 'place')
      try {
        await mkdir(folder)
        await run(await open(folder))
      } finally {
        await rm(around, { recursive: true, force: true })
      }
    })
  }

  describe(`target ${name}`, () => {
    test('checks without a trace', async (place) => {
      const before = await place.snapshot()
      await place.target.check(signal)
      assert.deepEqual(await place.snapshot(), before)
      assert.deepEqual(await place.leftovers(), [])
    })

    test('stages without changing anything live', async (place) => {
      const before = await place.snapshot()
      const found = await inspect(place)
      await place.target.stage(move(place, place.first), signal)
      assert.deepEqual(await place.snapshot(), before)
      assert.deepEqual(await inspect(place), found)
    })

    test('activates what was staged, one version after the other', async (place) => {
      await put(place, place.first)
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
      await put(place, place.second, { previous: place.first, rotation: 'r2' })
      assert.deepEqual(await inspect(place), { holds: 'version', number: 2 })
    })

    test('may be asked again for every step', async (place) => {
      const to = move(place, place.first)
      const before = await place.snapshot()
      await place.target.stage(to, signal)
      const held = await place.target.stage(to, signal)
      await place.target.activate(to, held, signal)
      const after = await place.snapshot()
      await place.target.activate(to, held, signal)
      await place.target.stage(to, signal)
      await place.target.activate(to, held, signal)
      assert.deepEqual(await place.snapshot(), after)
      if (place.initial) return
      await place.target.withdraw(to, held, signal)
      await place.target.withdraw(to, held, signal)
      assert.deepEqual(await place.snapshot(), before)
    })

    test('goes back to the previous version, and keeps it when the next one is withdrawn', async (place) => {
      await put(place, place.first)
      const held = await put(place, place.second, { previous: place.first, rotation: 'r2' })
      await put(place, place.first, { previous: place.second, rotation: 'r2-back' })
      await place.target.withdraw({ rotation: 'r2', edition: place.second }, held, signal)
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
    })

    test('restores exactly what was there when a first rotation is withdrawn', async (place) => {
      if (place.initial) return
      const before = await place.snapshot()
      const held = await put(place, place.first)
      assert.notDeepEqual(await place.snapshot(), before)
      await place.target.withdraw(move(place, place.first), held, signal)
      assert.deepEqual(await place.snapshot(), before)
    })

    test('takes a version away when its overlap ends, and nothing else', async (place) => {
      if (place.initial) return
      await put(place, place.first)
      await place.edit?.()
      await place.target.withdraw(move(place, place.second), undefined, signal)
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
      await place.target.withdraw(move(place, place.first), undefined, signal)
      assert.deepEqual(await inspect(place), { holds: 'nothing' })
      if (place.isEdited) assert.equal(await place.isEdited(), true)
    })

    test('notices an edit between stage and activate, and loses neither', async (place) => {
      const change = place.edit ?? place.overwrite
      if (!change) return
      const to = move(place, place.first)
      const held = await place.target.stage(to, signal)
      await change()
      const edited = await place.snapshot()
      await assert.rejects(place.target.activate(to, held, signal), LiveChanged)
      assert.deepEqual(await place.snapshot(), edited)
      await put(place, place.first)
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
      if (place.isEdited) assert.equal(await place.isEdited(), true)
    })

    test('keeps an edit that was made after it', async (place) => {
      if (!place.edit || !place.isEdited || place.initial) return
      const held = await put(place, place.first)
      await place.edit()
      await place.target.withdraw(move(place, place.first), held, signal)
      assert.equal(await place.isEdited(), true)
      assert.notDeepEqual(await inspect(place), { holds: 'version', number: 1 })
    })

    test('shares one switch with its neighbour', async (place) => {
      if (!place.neighbour) return
      const { target, edition } = place.neighbour
      const before = await place.snapshot()
      const [mine, theirs] = [move(place, place.first), { rotation: 'r1', edition }]
      const held = await place.target.stage(mine, signal)
      const heldThere = await target.stage(theirs, signal)
      assert.equal((await place.leftovers()).length, 1)
      await place.target.activate(mine, held, signal)
      const after = await place.snapshot()
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
      const there = await target.inspect([edition], signal)
      assert.deepEqual(there, { holds: 'version', number: edition.version.number })
      await target.activate(theirs, heldThere, signal)
      assert.deepEqual(await place.snapshot(), after)
      await target.withdraw(theirs, heldThere, signal)
      await place.target.withdraw(mine, held, signal)
      assert.deepEqual(await place.snapshot(), before)
    })

    test('does not carry an edit away that came between two neighbours', async (place) => {
      if (!place.neighbour || !place.edit || !place.isEdited) return
      const { target, edition } = place.neighbour
      const [mine, theirs] = [move(place, place.first), { rotation: 'r1', edition }]
      await place.target.stage(mine, signal)
      await place.edit()
      const heldThere = await target.stage(theirs, signal)
      const held = await place.target.stage(mine, signal)
      await target.activate(theirs, heldThere, signal)
      await place.target.activate(mine, held, signal)
      assert.equal(await place.isEdited(), true)
      assert.deepEqual(await inspect(place), { holds: 'version', number: 1 })
    })

    test('says that it cannot tell rather than guess', async (place) => {
      if (!place.hide) return
      await put(place, place.first)
      await place.hide()
      assert.equal((await inspect(place)).holds, 'unknown')
    })

    test('says when it holds something else', async (place) => {
      if (!place.overwrite) return
      await put(place, place.first)
      await place.overwrite()
      assert.equal((await inspect(place)).holds, 'something else')
    })

    test('reads back what it wrote', async (place) => {
      const { part, format } = place.target
      await put(place, place.first)
      const wanted = await place.first.bytes(part, format)
      const found = await place.target.read?.(signal)
      assert.ok(!place.target.read || found?.equals(wanted))
    })

    test('tidies up behind itself, and only that', async (place) => {
      await place.target.stage(move(place, place.first), signal)
      await put(place, place.second, { rotation: 'r2' })
      const live = await place.snapshot()
      await place.target.tidy(signal)
      await place.target.tidy(signal)
      assert.deepEqual(await place.leftovers(), [])
      assert.deepEqual(await place.snapshot(), live)
    })

    test('does nothing once it is aborted', async (place) => {
      const before = await place.snapshot()
      const held = await place.target.stage(move(place, place.first), signal)
      const aborted = AbortSignal.abort(new Error('stopped'))
      await assert.rejects(
        place.target.activate(move(place, place.first), held, aborted),
        /stopped/,
      )
      assert.deepEqual(await place.snapshot(), before)
    })
  })
}

function move({ initial }: TestPlace, edition: Edition): Move {
  return { rotation: 'r1', edition, ...(initial && { previous: initial }) }
}

async function put(
  place: TestPlace,
  edition: Edition,
  change: Partial<Move> = {},
): Promise<SecretBytes> {
  const to = { ...move(place, edition), ...change }
  const held = await place.target.stage(to, signal)
  await place.target.activate(to, held, signal)
  return held
}

function inspect({ target, first, second }: TestPlace) {
  return target.inspect([first, second], signal)
}
