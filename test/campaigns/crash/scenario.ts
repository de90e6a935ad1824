import type { BuildOptions } from '../../support/databases.ts'
import type { Act } from './act.ts'

/** Reads the value at a place as its consumer would, without any code of rekeyd. */
export type ReadPlace = (live: string) => Buffer | string | undefined

/** Where a scenario writes a material to. */
export interface ScenarioPlace {
  readonly material: string
  readonly part?: string
  readonly format?: string
  /** By default the active version; the previous one has to be there only while its overlap lasts. */
  readonly version?: 'previous'
  readonly read: ReadPlace
}

/** A rotation to be interrupted. Everything of it lies in a folder of its own, targets in its `live`. */
export interface Scenario {
  /** The materials in YAML. */
  materials(live: string): string
  /** Files of consumers that are there before. */
  files?(live: string): void
  /** What was done before; `killed` is an act in whose middle rekeyd was killed. */
  readonly before: readonly Act[]
  readonly killed?: Act
  /** What is interrupted. */
  readonly act: Act
  readonly places: readonly ScenarioPlace[]
  /** Starts many processes: sampled more rarely. */
  readonly slow?: true
  /** A database whose one key is the material's. */
  readonly database?: { readonly file: string; readonly material: string } & BuildOptions
}

/** The config of a scenario in `folder`. */
export function configOf(scenario: Scenario, folder: string): string {
  const script = `${folder}/live/consumer`
  return `
state_dir: ${folder}/state
store_key: { file: ${folder}/store.key }
admin: { socket: { path: ${folder}/admin.sock } }
metrics: { listen: "127.0.0.1:0" }
defaults: { on_missing: create, keep: 30d }
consumers:
  server: { command: { stop: [/bin/true], start: [/bin/true] }, dwell: 1s }
  trap: { command: { restart: [/bin/sh, ${script}] }, dwell: 1s }
materials:
${scenario.materials(`${folder}/live`)}`
}
