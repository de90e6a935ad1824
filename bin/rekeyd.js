#!/usr/bin/env node
// Plain JavaScript that an old Node reads, too: it says so in two lines instead of failing on syntax.
const oldest = 24

/** Prints why rekeyd cannot run here, and ends. */
function refuse(error, hint) {
  process.stderr.write(`error: ${error}\nhint: ${hint}\n`)
  process.exitCode = 2
}

/**
 * What an operator's shell and a crash must not give away. Signal 1 opens Node's inspector, through which
 * whoever may send it reads memory: a listener takes that away. A diagnostic report lists the
 * environment. Core dumps are the service manager's to forbid (LimitCORE=0).
 */
function closeDoors() {
  process.on('SIGUSR1', () => {})
  process.report.excludeEnv = true
}

/**
 * Where compiled code is kept: a folder of our own, never Node's default under the temporary directory,
 * where every local user could leave code for us. Undefined where there is no safe one.
 */
async function cacheFolder() {
  const { mkdirSync } = await import('node:fs')
  const { userInfo } = await import('node:os')
  const path = await import('node:path')
  try {
    // Of the account, not $HOME: under sudo that may still be the folder of somebody else.
    const folder = process.env.CACHE_DIRECTORY || path.join(userInfo().homedir, '.cache', 'rekeyd')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return (await isOurs(folder)) && (await isOurs(path.dirname(folder), 0)) ? folder : undefined
  } catch {
    return undefined
  }
}

/** Whether only we, and the owners given, may change what is in a folder. */
async function isOurs(folder, ...alsoTrusted) {
  const { lstatSync } = await import('node:fs')
  const found = lstatSync(folder)
  const trusted = [process.geteuid(), ...alsoTrusted]
  return found.isDirectory() && trusted.includes(found.uid) && (found.mode & 0o022) === 0
}

async function start() {
  if (Number.parseInt(process.versions.node, 10) < oldest) {
    return refuse(
      `rekeyd needs Node ${oldest} or newer, and this is ${process.versions.node}`,
      'npm brings a Node for this platform: `npm start`, `npm run -s rekeyd -- status`',
    )
  }
  closeDoors()
  const { existsSync } = await import('node:fs')
  const { enableCompileCache } = await import('node:module')
  const folder = await cacheFolder()
  if (folder !== undefined) enableCompileCache(folder)
  const bundle = new URL('../dist/main.js', import.meta.url)
  await import(existsSync(bundle) ? bundle.href : '../src/main.ts')
}

void start()
