import type { Host } from './host.ts'

/** A system whose config `rekeyd init` can write. */
export interface Preset {
  /** What it is, for `--help`. */
  readonly summary: string
  /** What is looked for and where; said when nothing of it is there. */
  readonly looksFor: string
  /** What to write for this host; undefined when the system is not there. */
  survey(host: Host): Promise<Draft | undefined>
}

/** What a preset wants in the config, and what the operator is told about it. */
export interface Draft {
  readonly found: readonly Finding[]
  /** What could not be known, with what it means and what to do: a sentence each. */
  readonly unknown: readonly string[]
  readonly consumers: readonly ConsumerDraft[]
  readonly materials: readonly MaterialDraft[]
  /** Files for the operator to install, written beside the config. */
  readonly files?: readonly DraftFile[]
}

export interface Finding {
  readonly what: string
  readonly where: string
}

export interface ConsumerDraft {
  readonly name: string
  /** Lines below the name, not indented. */
  readonly lines: readonly string[]
}

export interface MaterialDraft {
  readonly name: string
  /** Lines of comment above the name. */
  readonly about: readonly string[]
  readonly kind: string
  readonly rotate: Rotation
  /** Lines after `rotate`, not indented. */
  readonly lines: readonly string[]
}

/** When a material rotates, and what is known about the first time. */
export type Rotation =
  /** The first date is chosen so that not everything rotates at once. */
  | { readonly every: string }
  /** Days before the end of the present certificate, where that could be read. */
  | { readonly beforeExpiry: number; readonly present: Lifetime | undefined }
  /** @property present how what the issuer has compares with what the consumer uses; `absent` is copied first */
  | { readonly onChange: true; readonly present: 'same' | 'older' | 'absent' }
  | { readonly onCompromise: true }
  /** The consumer does it. */
  | { readonly expect: string; readonly grace: string }

/** Epoch milliseconds. */
interface Lifetime {
  readonly notBefore: number
  readonly notAfter: number
}

export interface DraftFile {
  readonly name: string
  readonly text: string
}
