import { join } from 'node:path'
import { type DialectName, type EnvironmentFile, readEnvironmentFile } from '../environment-file.ts'
import type { Host } from '../host.ts'
import type { Draft, Preset } from '../preset.ts'
import { consumerOf, findRunners, type Runner } from '../runner.ts'
import { vapidMaterial } from '../vapid-material.ts'
import { flow } from '../yaml-flow.ts'

const privateName = /^(?:\w+_)?(?:VAPID|WEB_?PUSH)\w*PRIVATE(?:_KEY)?$/i
const publicName = /^(?:\w+_)?(?:VAPID|WEB_?PUSH)\w*PUBLIC(?:_KEY)?$/i
/** A front end that has the value built in. */
const builtIn = /^(?:NEXT_PUBLIC_|VITE_|REACT_APP_|NUXT_PUBLIC_|PUBLIC_)/

/** An application that sends web push itself, such as one with the web-push package: its VAPID keys in a `.env`. */
export const webPush: Preset = {
  summary: 'an application that sends web push: the VAPID keys in its .env',
  looksFor:
    'a variable such as VAPID_PRIVATE_KEY in the environment files of units and Compose services, and in .env of their folders',
  async survey(host) {
    for (const runner of await findRunners(host)) {
      for (const { path, dialect } of filesOf(runner)) {
        const file = await readEnvironmentFile(host, path, dialect)
        const key = file && [...file.set.keys()].find((name) => privateName.test(name))
        if (file && key !== undefined) return draftOf(host, runner, file, key)
      }
    }
    return undefined
  },
}

/** Those that its manager reads, and those that the application may read by itself. */
function filesOf({ environmentFiles, environment, workingDirectory, service }: Runner) {
  // It holds the variables of all services: only who takes such a one is meant.
  const takes = [...environment].some(
    ([name, value]) => privateName.test(name) && /^\$|^$/.test(value ?? ''),
  )
  const dotenv = takes ? service?.dotenv : undefined
  const own =
    workingDirectory === undefined
      ? []
      : ['.env', '.env.production', '.env.local'].map((name) => join(workingDirectory, name))
  const file = (path: string, dialect: DialectName) => ({ path, dialect })
  return [
    ...environmentFiles,
    ...(dotenv === undefined ? [] : [file(dotenv, 'compose')]),
    ...own.map((path) => file(path, 'systemd')),
  ]
}

function draftOf(host: Host, runner: Runner, file: EnvironmentFile, key: string): Draft {
  const publics = [...file.set.keys()].filter((name) => publicName.test(name))
  const front = publics.filter((name) => builtIn.test(name))
  const target = (name: string, part: string) =>
    `  - env: ${flow({ path: host.here(file.path), key: name, part, dialect: file.dialect })}`
  return {
    found: [
      { what: runner.what, where: runner.where },
      { what: [key, ...publics].join(', '), where: file.path },
    ],
    unknown: [
      'where the application shows its public key: rotations are not proved before `verify` says it',
      'whether it can sign with two keys: then `overlap: 30d` and a target with `version: previous` keep old subscriptions',
      ...(front.length === 0
        ? []
        : [
            `how the front end is built: ${front.join(', ')} is part of it and needs a new build after each rotation`,
          ]),
    ],
    consumers: [consumerOf(host, 'push-app', runner)],
    materials: [
      vapidMaterial('push-vapid', {
        targets: [target(key, 'private_key'), ...publics.map((name) => target(name, 'public_key'))],
        consumers: ['push-app'],
        verify:
          'none # better: [{ vapid: { url: "http://127.0.0.1:3000/push-key", pointer: /key } }]',
      }),
    ],
  }
}
