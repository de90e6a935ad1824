import type { AdminApp } from '../admin-app.ts'
import { type AssetName, assetOf, assetTypes } from '../page/assets.ts'

/** The script, the stylesheet and the icon of the status page: the same for everybody, and no secret. */
export function assetRoutes(app: AdminApp): void {
  for (const [name, type] of Object.entries(assetTypes)) {
    const config = {
      scope: 'none',
      operation: operationOf(name),
      answers: { 200: type, 304: null },
      takes: ['If-None-Match'],
      sends: ['ETag'],
      summary: 'A part of the status page.',
    } as const
    app.get(`/page/${name}`, { config }, async ({ query, headers }, reply) => {
      const { bytes, gzipped, version } = assetOf(name as AssetName)
      const { v } = query as { readonly v?: unknown }
      const tag = `"${version}"`
      reply.headers({
        ETag: tag,
        'Cache-Control': v === version ? 'public, max-age=31536000, immutable' : 'no-cache',
        'Cross-Origin-Resource-Policy': 'same-origin',
        Vary: 'Accept-Encoding',
      })
      if (headers['if-none-match'] === tag) return reply.code(304).send()
      // Pages are never compressed: their size would tell of the session's token beside what others wrote (BREACH).
      const small = /\bgzip\b/.test(headers['accept-encoding'] ?? '')
      if (small) reply.header('Content-Encoding', 'gzip')
      return reply.type(type).send(small ? gzipped : bytes)
    })
  }
}

/** `loadScriptJs` of `script.js`. */
function operationOf(name: string): string {
  return `load-${name}`.replace(/[-.](\w)/g, (_, letter: string) => letter.toUpperCase())
}
