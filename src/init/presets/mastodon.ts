import { dirname, join } from 'node:path'
import { type EnvironmentFile, readEnvironmentFile } from '../environment-file.ts'
import type { Host } from '../host.ts'
import type { Draft, MaterialDraft, Preset } from '../preset.ts'
import { consumerOf, findRunners, plainVariable, type Runner } from '../runner.ts'
import { vapidMaterial } from '../vapid-material.ts'
import { flow } from '../yaml-flow.ts'

const units = ['mastodon-web.service', 'mastodon-sidekiq.service']
const fileName = '.env.production'
const usualFolder = '/home/mastodon/live'

/** Mastodon from source or in Compose: what its web and background processes read from `.env.production`. */
export const mastodon: Preset = {
  summary: 'Mastodon: VAPID keys, SECRET_KEY_BASE',
  looksFor: `${fileName} beside the Compose file of Mastodon, in the folder of ${units[0]} or in ${usualFolder}`,
  async survey(host) {
    const runners = await findRunners(host)
    const ours = partsOf(runners)
    const folders = [...ours.map(({ folder }) => folder), usualFolder]
    const path = folders.map((folder) => join(folder, fileName)).find((path) => host.stats(path))
    if (path === undefined) return undefined
    // dotenv takes what systemd takes for values such as these.
    const dialect = ours.some(({ runner }) => runner.service) ? 'compose' : 'systemd'
    const file = await readEnvironmentFile(host, path, dialect, ['LOCAL_DOMAIN', 'WEB_DOMAIN'])
    if (!file) return undefined
    const port = (await plainVariable(host, ours[0]?.runner, 'PORT')) ?? '3000'
    return draftOf({ host, file, parts: ours, version: versionOf(host, ours, path), port })
  },
}

interface Part {
  readonly name: string
  readonly runner: Runner
  readonly folder: string
}

/** Only these two read what is rotated here: they show the public key, and send. */
function partsOf(runners: readonly Runner[]): readonly Part[] {
  const ofUnits = units.flatMap((unit) => {
    const runner = runners.find((one) => one.unit?.name === unit)
    const folder = runner?.workingDirectory ?? usualFolder
    return runner ? [{ name: unit.replace('.service', ''), runner, folder }] : []
  })
  if (ofUnits.length > 0) return ofUnits
  return runners.flatMap((runner) => {
    const { service } = runner
    const ours =
      service && /mastodon(?!-streaming)/.test(service.image) && service.name !== 'streaming'
    return ours
      ? [{ name: `mastodon-${plainName(service.name)}`, runner, folder: service.folder }]
      : []
  })
}

function plainName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
}

interface Installation {
  readonly host: Host
  readonly file: EnvironmentFile
  readonly parts: readonly Part[]
  /** `4.3` */
  readonly version: string | undefined
  readonly port: string
}

function draftOf(installation: Installation): Draft {
  const { host, file, parts, version, port } = installation
  const domain = file.shown.get('WEB_DOMAIN') ?? file.shown.get('LOCAL_DOMAIN')
  const kept = ['OTP_SECRET', 'ACTIVE_RECORD_ENCRYPTION_PRIMARY_KEY'].filter((name) =>
    file.set.has(name),
  )
  const materials = materialsOf(installation, domain)
  return {
    found: [
      ...parts.map(({ runner }) => ({ what: runner.what, where: runner.where })),
      {
        what: `${['VAPID_PRIVATE_KEY', 'VAPID_PUBLIC_KEY', 'SECRET_KEY_BASE'].filter((name) => file.set.has(name)).join(', ') || 'none of its secrets'}${version === undefined ? '' : `, Mastodon ${version}`}`,
        where: file.path,
      },
    ],
    unknown: [
      ...(parts.length === 0
        ? ['how Mastodon is run: the units of its documentation are assumed']
        : []),
      ...(version === undefined
        ? [
            'which version it is: before 4.3 it does not show its VAPID key, and rotations cannot be proved',
          ]
        : []),
      ...(kept.length === 0
        ? []
        : [
            `how to replace ${kept.join(' and ')}: what is encrypted with it in the database would be lost, so rekeyd leaves it alone`,
          ]),
    ],
    consumers: consumersOf(host, parts, port),
    materials,
  }
}

function consumersOf(host: Host, parts: readonly Part[], port: string) {
  if (parts.length === 0) {
    return units.map((unit) => ({
      name: unit.replace('.service', ''),
      lines: [`systemd: ${unit}`, 'apply: restart', `ready: ${flow([{ systemd: { unit } }])}`],
    }))
  }
  return parts.map(({ name, runner }) => {
    const web = name.endsWith('web')
    const health = { http: { url: `http://127.0.0.1:${port}/health` } }
    return consumerOf(host, name, runner, { ready: web ? [health] : [] })
  })
}

function materialsOf(
  { host, file, parts, version, port }: Installation,
  domain: string | undefined,
): readonly MaterialDraft[] {
  const consumers = consumersOf(host, parts, port).map(({ name }) => name)
  const target = (key: string, part?: string) =>
    `  - env: ${flow({ path: host.here(file.path), key, ...(part !== undefined && { part }), dialect: file.dialect })}`
  const shows = domain !== undefined && (version === undefined || atLeast(version, 4, 3))
  const shown = {
    url: `https://${domain}/api/v2/instance`,
    pointer: '/configuration/vapid/public_key',
  }
  const vapid = vapidMaterial('mastodon-vapid', {
    targets: [target('VAPID_PRIVATE_KEY', 'private_key'), target('VAPID_PUBLIC_KEY', 'public_key')],
    consumers,
    verify: shows ? flow([{ vapid: shown }]) : 'none # Mastodon shows the key from 4.3 on',
  })
  const base: MaterialDraft = {
    name: 'mastodon-secret-key-base',
    about: ['Signs sessions and links: nothing but a leak is a reason to replace it.'],
    kind: 'token',
    rotate: { onCompromise: true },
    lines: [
      'bytes: 64',
      'alphabet: hex',
      'targets:',
      target('SECRET_KEY_BASE'),
      `consumers: ${flow(consumers)}`,
      'verify: none',
      'impact: Everybody is signed out, and links in mails sent before no longer work.',
    ],
  }
  return [
    ...(file.set.has('VAPID_PRIVATE_KEY') ? [vapid] : []),
    ...(file.set.has('SECRET_KEY_BASE') ? [base] : []),
  ]
}

/** From the tag of the image, or from the source beside the configuration. */
function versionOf(host: Host, parts: readonly Part[], path: string): string | undefined {
  const tag = parts.map(({ runner }) => /:v?(\d+\.\d+)/.exec(runner.service?.image ?? '')?.[1])
  const tagged = tag.find((one) => one !== undefined)
  if (tagged !== undefined) return tagged
  const source = host.text(join(dirname(path), 'lib/mastodon/version.rb')) ?? ''
  const [major, minor] = ['major', 'minor'].map(
    (name) => new RegExp(`def ${name}\\s+(\\d+)\\s+end`).exec(source)?.[1],
  )
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number)
  return a > major || (a === major && b >= minor)
}
