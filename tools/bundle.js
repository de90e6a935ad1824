// The one built form of rekeyd, for the npm package, the image and the Debian package: `dist/`, or the folder that is named, with the
// program, and the children that it starts as entries of their own.
import { cpSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = join(import.meta.dirname, '..')
/** What the status page loads is served as it is. */
const page = join(root, 'src/admin/page')
const dist = process.argv[2] ?? join(root, 'dist')
/** Native add-ons stay packages: they are found beside dist. */
const external = ['better-sqlite3-multiple-ciphers', '@matrixai/quic']

/**
 * esbuild knows no names in CommonJS packages, so `const { parse } = await import('yaml')` would find only
 * `default`. Node does know them: each such package gets a module of its own that spells its names out.
 */
const namedCommonJs = {
  name: 'named-commonjs',
  setup(build) {
    build.onResolve({ filter: /^[a-z@]/ }, async ({ kind, path }) => {
      if (kind !== 'dynamic-import' || external.includes(path)) return undefined
      const names = Object.keys(await import(path))
      return names.includes('module.exports')
        ? { path, namespace: 'named', pluginData: names }
        : undefined
    })
    build.onLoad({ filter: /./, namespace: 'named' }, ({ path, pluginData: names }) => ({
      contents: [
        `import whole from ${JSON.stringify(path)}`,
        'export default whole',
        `export const { ${names.filter((name) => /^(?!default$)\w+$/.test(name))} } = whole`,
      ].join('\n'),
      resolveDir: root,
    }))
  },
}

rmSync(dist, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    'src/main.ts',
    'src/sqlcipher/rehearse-child.ts',
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
  external,
  plugins: [namedCommonJs],
  banner: {
    // What was CommonJS still calls require.
    js: "import { createRequire as __createRequire } from 'node:module'\nconst require = __createRequire(import.meta.url)",
  },
})
for (const name of globSync('*.{css,js,svg}', { cwd: page }))
  cpSync(join(page, name), join(dist, name))
cpSync(join(root, 'src/quickstart/quickstart.yaml'), join(dist, 'quickstart.yaml'))
