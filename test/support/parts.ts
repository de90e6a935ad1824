import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A part of the system that some tests need, and how one gets it. */
interface SystemPart {
  readonly install: string
  present(): boolean
}

const debian = (name: string) => `npm run test:setup (Debian package ${name})`
const onPath = (...names: string[]) =>
  names.every((name) =>
    (process.env['PATH'] ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name))),
  )

const parts = {
  openssl: { install: debian('openssl'), present: () => onPath('openssl') },
  sqlcipher: { install: debian('sqlcipher'), present: () => onPath('sqlcipher') },
  promtool: { install: debian('prometheus'), present: () => onPath('promtool') },
  age: { install: debian('age'), present: () => onPath('age', 'tar') },
  zsh: { install: debian('zsh'), present: () => onPath('zsh') },
  fish: { install: debian('fish'), present: () => onPath('fish') },
  mandoc: { install: debian('mandoc'), present: () => onPath('mandoc') },
  strace: { install: debian('strace'), present: () => onPath('strace') },
  chromium: { install: debian('chromium'), present: () => onPath('chromium') },
  root: { install: 'run the tests as root', present: () => process.getuid?.() === 0 },
  mount: {
    install: 'run the tests as root on a machine that may mount',
    present: () => process.getuid?.() === 0 && works('unshare', '-m', 'true'),
  },
  xfs: { install: debian('xfsprogs'), present: () => onPath('mkfs.xfs') },
  docker: {
    install: `${debian('docker.io, docker-compose, busybox-static')}, as root that may mount`,
    present: () =>
      process.getuid?.() === 0 &&
      onPath('dockerd', 'docker', 'busybox') &&
      (onPath('docker-compose') || works('docker', 'compose', 'version')) &&
      works('unshare', '--net', '--mount', '--pid', '--fork', 'true'),
  },
  quic: { install: 'npm ci without --omit=optional', present: () => hasPackage('@matrixai/quic') },
} satisfies Record<string, SystemPart>

export type PartName = keyof typeof parts

/**
 * Options for `it` or `describe` that skip it by name where a system part is absent, and say what to
 * install. With `REKEYD_TEST_PARTS=required` nothing is skipped, so a missing part is a failure.
 */
export function needs(...names: PartName[]): { readonly skip: string | false } {
  if (process.env['REKEYD_TEST_PARTS'] === 'required') return { skip: false }
  const missing = names.filter((name) => !parts[name].present())
  const how = missing.map((name) => `${name}: ${parts[name].install}`)
  return { skip: missing.length > 0 ? `needs ${how.join('; ')}` : false }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function works(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function hasPackage(name: string): boolean {
  try {
    import.meta.resolve(name)
    return true
  } catch {
    return false
  }
}
