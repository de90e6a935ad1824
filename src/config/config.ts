import type { Verb } from '../consumers/consumer.ts'
import type { CountedImpact } from '../impact/impact-options.ts'
import type { Mode } from '../model/material.ts'
import type { HeartbeatOptions } from '../notices/heartbeat.ts'
import type { PublicWebhookOptions } from '../notices/public/webhook.ts'
import type { StoreKeySource } from '../store/store-key.ts'
import type { Choice } from './choice.ts'

/**
 * The config as everything else reads it: checked, defaults filled in, names resolved. Spans are
 * milliseconds, paths absolute, lists in the order of the file. Holds no secret. A {@link Choice} is
 * made real by its catalog: `targets[choice.type].create(choice.options, …)`.
 */
export interface Config {
  /** The file it was read from. */
  readonly path: string
  readonly mode: Mode
  readonly stateDir: string
  readonly storeKey: StoreKeySource
  readonly socket: {
    readonly path: string
    /** Permission bits. */
    readonly mode: number
  }
  /** Absent: the admin API is on the socket only. */
  readonly http?: HttpConfig
  readonly metrics: ListenAddress
  /** Absent: nobody is served the public parts. */
  readonly public?: ListenAddress
  /** Who is told when one of the public parts changes. */
  readonly publicWebhook?: PublicWebhookOptions
  /** age recipients: who can open the backups. */
  readonly recipients: readonly string[]
  /** Where backups go by themselves. */
  readonly backup?: {
    readonly to: string
    /** How many stay. */
    readonly keep: number
  }
  readonly notices?: NoticesConfig
  readonly windows: readonly WindowConfig[]
  readonly consumers: readonly ConsumerConfig[]
  readonly materials: readonly MaterialConfig[]
}

interface ListenAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** The admin API over TCP. */
export interface HttpConfig extends ListenAddress {
  /** The file of API tokens, which need not be there yet. */
  readonly tokens: string
  /** Names beside the address listened on that clients may ask for, each with a port or without. */
  readonly hosts: readonly string[]
  /** PEM files. Always there where others than this host can reach the address. */
  readonly tls?: { readonly certificate: string; readonly key: string }
}

/** Who is told what. */
export interface NoticesConfig {
  /** Entries of the catalog of channels. */
  readonly channels: readonly Choice[]
  readonly heartbeat?: HeartbeatOptions
  /** How long before a restart it is told; absent: never. */
  readonly before?: number
  readonly onSuccess: 'never' | 'first' | 'always'
}

/** When a rotation may run. */
export interface WindowConfig {
  readonly name: string
  /** Five fields; when it opens. */
  readonly cron: string
  readonly duration: number
  /** IANA name. */
  readonly timezone: string
}

/** A service that reads key material. */
export interface ConsumerConfig {
  readonly name: string
  /** How it is reached: an entry of the consumers' catalog. */
  readonly reach: Choice
  /** The least verb; a stronger one is taken when a changed target needs it. */
  readonly apply: Verb
  /** Verifiers that must all say yes before it counts as up. */
  readonly ready: readonly Choice[]
  readonly timeouts: { readonly stop: number; readonly start: number; readonly ready: number }
  /** How long it must still be well after it was ready. */
  readonly dwell: number
  /** Per window. */
  readonly maxRestarts: number
}

/** A piece of key material under management. */
export interface MaterialConfig {
  readonly name: string
  readonly kind: Choice
  readonly schedule: Choice
  readonly targets: readonly Choice[]
  /** Names of consumers, in the order in which they are resumed. */
  readonly consumers: readonly string[]
  /** Empty with `verify: none`: the result is then `applied_unproved`. */
  readonly verify: readonly Choice[]
  /** Absent: at any time. */
  readonly window?: WindowConfig
  /** How long clients may still use the previous version; 0 for not at all. */
  readonly overlap: number
  /** How long rekeyd can still give a previous version back; never shorter than `overlap`. */
  readonly keep: number
  /** How long before its rotation the next version is made; 0 for at the rotation. */
  readonly announce: number
  /** Whether each rotation waits for `rekeyd approve`, whatever the mode. */
  readonly approval: boolean
  readonly onMissing: 'refuse' | 'create'
  /** Names of materials that whoever has this one can read. */
  readonly contains: readonly string[]
  readonly impact?: string
  /** How those whom it hits are counted. */
  readonly impactCount?: CountedImpact
  /** Whether anybody may ask for its public parts. */
  readonly public: boolean
}
