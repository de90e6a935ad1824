// The one built form of rekeyd, for the npm package, the image and the Debian package: `dist/` with the
// program, and the children that it starts as entries of their own.
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
const dist = join(root, 'dist')

rmSync(dist, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    'src/main.ts',
    'src/sqlcipher/rekey-child.ts',
    'src/sqlcipher/row-child.ts',
    'src/quickstart/demo-server.ts',
  ],
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  legalComments: 'linked',
  // Native add-ons stay packages: they are found beside dist.
  external: ['better-sqlite3-multiple-ciphers', '@matrixai/quic'],
  banner: {
    // What was CommonJS still calls require.
    js: "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)",
  },
})
cpSync(join(root, 'src/quickstart/quickstart.yaml'), join(dist, 'quickstart.yaml'))
