import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SecretBytes } from '../../../../src/model/secret-bytes.ts'
import type { Move, Target } from '../../../../src/targets/target.ts'
import { testEdition } from '../../../support/test-edition.ts'
import type { Trial } from '../trial.ts'
import type { Laid } from './ground.ts'
import { differences, type Tree, treeOf } from './tree.ts'
import { type Type, types } from './types.ts'

const signal = new AbortController().signal

/** One target at one place, from the first look to the way back. Whatever is not its own stays as it was. */
export class Visit {
  readonly #values: readonly [string, string]
  readonly #type: Type
  readonly #trial: Trial
  readonly #laid: Laid
  readonly #target: Target
  readonly #folders: readonly string[]
  readonly #before: Tree

  constructor(
    { type, values }: { readonly type: Type; readonly values: readonly [string, string] },
    trial: Trial,
    laid: Laid,
    target: Target,
    folders: readonly string[],
  ) {
    this.#values = values
    this.#type = type
    this.#trial = trial
    this.#laid = laid
    this.#target = target
    this.#folders = folders
    this.#before = treeOf(...folders)
  }

  async lead(): Promise<void> {
    const { verdict, real } = this.#laid
    const [one, two] = this.#values.map((value, index) =>
      testEdition(index + 1, this.#trial.plant(value)),
    )
    assert.ok(one && two)
    assert.notEqual((await this.#target.inspect([one], signal)).holds, 'version', 'at first')
    this.#refuseChanges('inspect')
    const checked = await this.#ask('check', () => this.#target.check(signal))
    this.#refuseChanges('check')
    const first: Move = { rotation: 'r1', edition: one }
    const held = await this.#ask('stage', () => this.#target.stage(first, signal))
    assert.equal(held === undefined, checked === undefined, 'check and stage disagree')
    if (verdict) assert.equal(held ? 'accepted' : 'refused', verdict)
    if (!held) return this.#end(() => false)
    assert.ok(real !== undefined, 'accepted')
    this.#refuseChanges('stage')
    await this.#switch(first, held.value, 0)
    const second: Move = { rotation: 'r2', edition: two, previous: one }
    await this.#switch(second, await this.#target.stage(second, signal), 1)
    const back: Move = { rotation: 'r2', edition: one, previous: two }
    await this.#switch(back, await this.#target.stage(back, signal), 0)
    await this.#target.withdraw(first, held.value, signal)
    // What somebody keeps beside the files of a set comes back as a copy.
    await this.#end((path) => path === real || /(\.first\/note|\/folder\/file)$/.test(path))
  }

  async #switch(move: Move, held: SecretBytes, index: 0 | 1): Promise<void> {
    await this.#target.activate(move, held, signal)
    const { path, real = path } = this.#laid
    const value = this.#trial.plant(this.#values[index])
    const was = this.#before.has(real) ? types[this.#type].content.replace('old', value) : undefined
    const isSet = this.#type === 'file_set'
    const now = readFileSync(isSet ? join(path, 'key') : path, 'utf8')
    if (isSet || this.#type === 'file') assert.equal(now, value)
    else if (was === undefined) assert.ok(now.includes(value))
    else assert.equal(now, was)
    const found = await this.#target.inspect([move.edition], signal)
    assert.deepEqual(found, { holds: 'version', number: index + 1 })
    this.#refuseChanges('activate', (place) => place === real)
  }

  /** Undefined where it was refused: by an error that says which path is meant. */
  async #ask<T>(
    doing: string,
    action: () => Promise<T>,
  ): Promise<{ readonly value: T } | undefined> {
    const answer = await this.#trial.ask(action)
    if (!answer.refusal) return { value: answer.value }
    const { message } = answer.refusal
    const isNamed = this.#folders.some((folder) => message.includes(folder))
    assert.ok(isNamed, `${doing} names no path: ${message}`)
    assert.doesNotMatch(message, /proc\/self/)
    return undefined
  }

  async #end(isOurs: (path: string) => boolean): Promise<void> {
    const parent = dirname(this.#laid.path)
    if (existsSync(parent)) await this.#ask('tidy', () => this.#target.tidy(signal))
    this.#refuse('the end', differences(this.#before, treeOf(...this.#folders), isOurs))
  }

  /** Staged files may lie there; nothing else but what `isOurs` says may be another. */
  #refuseChanges(after: string, isOurs: (path: string) => boolean = () => false): void {
    const now = treeOf(...this.#folders)
    const rest = (tree: Tree) =>
      new Map([...tree].filter(([path]) => !path.includes('.rekeyd-') && !isOurs(path)))
    this.#refuse(after, differences(rest(this.#before), rest(now)))
  }

  #refuse(after: string, changes: readonly string[]): void {
    const others = changes.filter((change) => !/\.rekeyd-.* is gone/.test(change))
    assert.deepEqual(others, [], `changed by ${after}`)
  }
}
