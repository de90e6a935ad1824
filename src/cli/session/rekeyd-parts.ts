import { access } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../../config/config.ts'
import type { DoctorView } from '../../operations/outlook.ts'
import { systemClock } from '../../support/clock.ts'
import { OperatorError } from '../../support/operator-error.ts'
import { answers, findDaemon } from './find-daemon.ts'
import type { CliParts, Connection, Whereabouts } from './parts.ts'

/** The real ones. Each loads what it needs when it is called, so that asking a daemon stays fast. */
export const rekeydParts: CliParts = {
  clock: systemClock,
  connect,
  connectToDaemon,
  examine,
  loadConfig,
  configInUse,
  async runDaemon(options) {
    const { runDaemon } = await import('../../assemble.ts')
    return runDaemon(options)
  },
  async draftConfig(where, { preset, root, force }) {
    const path = await configPathOf(where)
    const { alreadyThere, isThere } = await import('../../init/write-config.ts')
    if (!force && (await isThere(path))) throw alreadyThere(path)
    const { surveyHost } = await import('../../init/init.ts')
    return { path, survey: await surveyHost({ preset, root, configPath: path, now: where.now }) }
  },
  async writeConfig({ path, survey }, recipients, force) {
    const text = survey.text(recipients)
    const { parseConfig } = await import('../../config/load.ts')
    await parseConfig(Buffer.from(text, 'utf8'), { path, now: systemClock.now() })
    const { writeOwnFile } = await import('../../init/write-config.ts')
    const kept = await writeOwnFile(path, text, force)
    for (const file of survey.files)
      await writeOwnFile(join(dirname(path), file.name), file.text, true)
    return kept
  },
  async isRecipient(text) {
    const { isAgeRecipient } = await import('../../formats/age-recipient.ts')
    return isAgeRecipient(text)
  },
  async createStore(config) {
    const { createStoreFor } = await import('../../assemble.ts')
    return createStoreFor(config)
  },
  async restore(where, options) {
    const { restoreBackup } = await import('../../assemble.ts')
    const load = () => loadConfig(where)
    return restoreBackup({ ...options, configPath: await configPathOf(where), load })
  },
  async takeOver(where) {
    const { takeOverStore } = await import('../../assemble.ts')
    return takeOverStore(await loadConfig(where))
  },
  async prepareQuickstart(folder) {
    const { prepareQuickstart } = await import('../../quickstart/quickstart.ts')
    return prepareQuickstart(folder)
  },
  async jsonSchema() {
    const { jsonSchema } = await import('../../config/json-schema.ts')
    return jsonSchema()
  },
}

async function loadConfig(where: Whereabouts) {
  const { loadConfig } = await import('../../config/load.ts')
  return loadConfig({ path: await configPathOf(where), now: where.now })
}

async function configInUse(where: Whereabouts): Promise<Config> {
  const socket = isNamed(where) ? undefined : await findDaemon(where)
  if (socket === undefined) return loadConfig(where)
  const { operations } = await connectTo(socket)
  const { paths } = await operations.status()
  return loadConfig({ ...where, config: paths.config })
}

async function connect(where: Whereabouts): Promise<Connection> {
  const found = await daemonOrConfig(where)
  if (typeof found === 'string') return connectTo(found)
  const { openOffline } = await import('../../assemble.ts')
  const store = await openOffline(found)
  return { operations: store.operations, daemon: false, close: () => store.close() }
}

async function examine(where: Whereabouts): Promise<DoctorView> {
  const found = await daemonOrConfig(where)
  if (typeof found === 'string') return (await connectTo(found)).operations.doctor()
  const { examineOffline } = await import('../../assemble.ts')
  return examineOffline(found)
}

/** The socket of the daemon that runs, or the config where none does. */
async function daemonOrConfig(where: Whereabouts): Promise<string | Config> {
  const socket = await findDaemon(where)
  if (socket !== undefined) return socket
  const config = await configHere(where)
  return (await answers(config.socket.path)) ? config.socket.path : config
}

async function connectToDaemon(where: Whereabouts): Promise<Connection> {
  const socket = (await findDaemon(where)) ?? (await configHere(where)).socket.path
  if (await answers(socket)) return connectTo(socket)
  throw new OperatorError(`no daemon answers on ${socket}`, { kind: 'locked' })
}

async function connectTo(socket: string): Promise<Connection> {
  const { RemoteOperations } = await import('../../operations/remote-operations.ts')
  return { operations: new RemoteOperations(socket), daemon: true, close: async () => {} }
}

/**
 * The config, which says where the store is, and perhaps a socket that only it names.
 * @throws OperatorError `locked` when there is none and nobody named one
 */
async function configHere(where: Whereabouts): Promise<Config> {
  const path = await configPathOf(where)
  if (!isNamed(where) && !(await exists(path))) throw nothingHere(path)
  return loadConfig(where)
}

function isNamed({ config, environment }: Whereabouts): boolean {
  return config !== undefined || Boolean(environment['REKEYD_CONFIG'])
}

async function configPathOf({ config, environment, directory }: Whereabouts): Promise<string> {
  const { configPath } = await import('../../config/config-file.ts')
  return resolve(directory, configPath(config, environment))
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function nothingHere(path: string): OperatorError {
  return new OperatorError(`no daemon answers, and there is no config ${path}`, {
    kind: 'locked',
    hint: 'start the daemon with `rekeyd run`, or name its socket (--socket) or its config (--config)',
  })
}
