import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecretBytes } from '../../../src/model/secret-bytes.ts'
import type { Edition } from '../../../src/model/version.ts'
import type { Slot } from '../../../src/targets/slot.ts'
import type { Move, Target } from '../../../src/targets/target.ts'
import { leftoversBeside } from '../../support/file-place.ts'
import { testEdition } from '../../support/test-edition.ts'
import type { Answer, Trial } from './trial.ts'

const signal = new AbortController().signal

/** A content that the file had on the way, and the value that must be read in it. */
export interface Stage {
  readonly name: string
  readonly content: Buffer
  /** Undefined where there is none. */
  readonly value: Buffer | undefined
}

export interface Life {
  readonly original: Buffer
  /** The value before; undefined when there was none, `refused` when it could not be told. */
  readonly found: Buffer | undefined | 'refused'
  /** What came after; nothing when the first value was refused. */
  readonly stages: readonly Stage[]
}

export interface Subject {
  readonly slot: Slot
  /** Makes the target of a file. */
  readonly target: (path: string) => Target
  readonly original: Buffer
  readonly values: readonly [Buffer, Buffer]
  /** Through the file system, which takes fifty times as long. */
  readonly onDisk: boolean
}

/** Leads one value in one file through its life: read, two versions, back again, and away. */
export function lead(trial: Trial, subject: Subject): Promise<Life> {
  return subject.onDisk ? new LifeOnDisk(trial, subject).lead() : leadInMemory(trial, subject)
}

async function leadInMemory(trial: Trial, { slot, original, values }: Subject): Promise<Life> {
  const read = async (content: Buffer) => valueOf(await trial.ask(() => slot.get(content)))
  const stages: Stage[] = []
  /** @returns the new content; undefined when it was refused */
  const reach = async (
    name: string,
    value: Buffer | undefined,
    change: () => Promise<SecretBytes | undefined>,
  ) => {
    const { value: changed } = await trial.ask(change)
    if (!changed) return undefined
    const content = Buffer.from(changed.bytes)
    assert.deepEqual(await read(content), value, `read back after ${name}`)
    stages.push({ name, content, value })
    return content
  }
  const found = await read(original)
  const [one, two] = values
  const first = await reach('first', one, () => slot.set(original, one))
  if (first) {
    const second = await reach('second', two, () => slot.set(first, two))
    const { value: back } = await trial.ask(() => slot.restore(second ?? first, original))
    if (back) refuseOther(back.bytes, original, 'restore')
    await reach('removed', undefined, () => slot.remove(second ?? first))
  }
  return { original, found, stages }
}

/** As rotations do it. The file is wholly old or wholly new after each step. */
class LifeOnDisk {
  readonly #trial: Trial
  readonly #target: Target
  readonly #path: string
  readonly #subject: Subject
  readonly #editions: readonly [Edition, Edition]
  readonly #stages: Stage[] = []

  constructor(trial: Trial, subject: Subject) {
    this.#trial = trial
    this.#path = join(trial.folder, 'file')
    this.#target = subject.target(this.#path)
    this.#subject = subject
    const [one, two] = subject.values
    this.#editions = [testEdition(1, one), testEdition(2, two)]
  }

  async lead(): Promise<Life> {
    const { original } = this.#subject
    await writeFile(this.#path, original, { mode: 0o640 })
    const before = await this.#ownership()
    await this.#trial.ask(() => this.#target.check(signal))
    await this.#is(original, 'check')
    const found = await this.#read()
    await this.#inspect()
    await this.#live(original)
    assert.deepEqual(await this.#ownership(), before, 'owner and mode')
    await this.#target.tidy(signal)
    assert.deepEqual(await leftoversBeside(this.#path), [])
    return { original, found, stages: this.#stages }
  }

  async #live(original: Buffer): Promise<void> {
    const [one, two] = this.#editions
    const held = await this.#put('first', { rotation: 'r1', edition: one }, original)
    if (!held) return
    assert.deepEqual(await this.#inspect(), { holds: 'version', number: 1 }, 'after the first')
    await this.#target.withdraw({ rotation: 'r1', edition: one }, held, signal)
    await this.#is(original, 'withdraw')
    await this.#put('again', { rotation: 'r2', edition: one }, original)
    const [first, again] = this.#stages
    if (first && again) refuseOther(again.content, first.content, 'the same once more')
    const move = { rotation: 'r3', edition: two, previous: one }
    const present = again?.content ?? original
    const last = (await this.#put('second', move, present)) ? move : { ...move, edition: one }
    const latest = this.#stages.at(-1)?.content ?? original
    const away = await this.#trial.ask(() => this.#target.withdraw(last, undefined, signal))
    if (away.refusal) return this.#is(latest, 'a refused withdraw')
    await this.#reached('removed', undefined)
  }

  /** Stages and activates; undefined when staging was refused, and then nothing has changed. */
  async #put(name: string, move: Move, before: Buffer): Promise<SecretBytes | undefined> {
    const staged = await this.#trial.ask(() => this.#target.stage(move, signal))
    await this.#is(before, 'stage')
    if (staged.refusal) {
      assert.deepEqual(await leftoversBeside(this.#path), [], 'left by a refused stage')
      return undefined
    }
    await this.#target.activate(move, staged.value, signal)
    await this.#reached(name, this.#subject.values[move.edition.version.number - 1])
    return staged.value
  }

  async #reached(name: string, value: Buffer | undefined): Promise<void> {
    assert.deepEqual(await this.#read(), value, `read back after ${name}`)
    this.#stages.push({ name, value, content: await readFile(this.#path) })
  }

  async #is(content: Buffer, after: string): Promise<void> {
    refuseOther(await readFile(this.#path), content, after)
  }

  async #ownership() {
    const { mode, uid, gid } = await stat(this.#path)
    return { mode, uid, gid }
  }

  async #read(): Promise<Life['found']> {
    return valueOf(await this.#trial.ask(async () => this.#target.read?.(signal)))
  }

  async #inspect() {
    const finding = await this.#target.inspect(this.#editions, signal)
    this.#trial.hear(JSON.stringify(finding))
    return finding
  }
}

/** An empty value is a place that was prepared for one. */
function valueOf({ refusal, value }: Answer<SecretBytes | undefined>): Life['found'] {
  if (refusal) return 'refused'
  return value && value.length > 0 ? Buffer.from(value.bytes) : undefined
}

function refuseOther(now: Buffer, wanted: Buffer, after: string): void {
  assert.ok(now.equals(wanted), `${after} left ${show(now)} where ${show(wanted)} was`)
}

/** Bytes as a violation shows them. */
export function show(bytes: Buffer): string {
  const text = JSON.stringify(bytes.toString('latin1').slice(0, 500))
  return text.replace(/[^\x20-\x7e]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`)
}

/**
 * Refuses an edit that reaches beyond what it was for.
 * @param before what stands before the value, and must stay
 * @param after what stands behind it
 */
export function refuseSpread({ name, content }: Stage, before: Buffer, after: Buffer): void {
  const kept =
    content.length >= before.length + after.length &&
    content.subarray(0, before.length).equals(before) &&
    content.subarray(content.length - after.length).equals(after)
  assert.ok(
    kept,
    `${name}: ${show(content)} has lost something of ${show(before)} … ${show(after)}`,
  )
}

/** Refuses an edit that is more than something added to what was there. */
export function refuseLoss({ name, content }: Stage, original: Buffer): void {
  const most = Math.min(content.length, original.length)
  let ahead = 0
  while (ahead < most && content[ahead] === original[ahead]) ahead += 1
  let behind = 0
  while (behind < most && content.at(-1 - behind) === original.at(-1 - behind)) behind += 1
  const kept = ahead + behind >= original.length
  assert.ok(kept, `${name}: ${show(content)} has lost something of ${show(original)}`)
}
