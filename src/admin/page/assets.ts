import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** What a page loads beside itself, by file name. */
export const assetTypes = {
  'style.css': 'text/css; charset=utf-8',
  'script.js': 'text/javascript; charset=utf-8',
  'ask.js': 'text/javascript; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'perform.js': 'text/javascript; charset=utf-8',
  'post.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
} as const
export type AssetName = keyof typeof assetTypes

export interface Asset {
  readonly bytes: Buffer
  readonly gzipped: Buffer
  /** Of what is in it: changes with it. */
  readonly version: string
}

const read = new Map<AssetName, Asset>()

/** A file beside this one, read once. */
export function assetOf(name: AssetName): Asset {
  const before = read.get(name)
  if (before) return before
  const bytes = readFileSync(join(import.meta.dirname, name))
  const version = createHash('sha256').update(bytes).digest('base64url').slice(0, 16)
  const asset = { bytes, gzipped: gzipSync(bytes), version }
  read.set(name, asset)
  return asset
}

/** An address that a browser may keep for ever. What a script imports has none, and is asked for again by its tag. */
export function versionedAsset(name: AssetName): string {
  return `/page/${name}?v=${assetOf(name).version}`
}
