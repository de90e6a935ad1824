import { digestOf } from '../../environment-file.ts'
import type { ConsumerDraft, Finding } from '../../preset.ts'
import { consumerOf, envTarget, findVariable, type Runner } from '../../runner.ts'
import { flow } from '../../yaml-flow.ts'
import type { Server, Share } from './server.ts'

const nothing: Share = { found: [], unknown: [], materials: [] }
const variable = 'QPC_AUTH_TOKEN'
const ofClients = 'QPC_ACCESS_TOKEN'

/** The bearer token: where the server takes it from, and the clients on this host that hold the same one. */
export async function tokenMaterial(server: Server): Promise<Share> {
  const { host, runner, tomlPath, toml } = server
  const own = await findVariable(host, runner, variable)
  if (own && 'inline' in own) {
    const reason = `auth token: ${variable} is set in ${runner.where} itself, which rekeyd does not write`
    return { ...nothing, unknown: [`${reason}; move it into a file and run init again`] }
  }
  if (!own && !toml.auth_token) return nothing
  const target = own
    ? envTarget(host, own)
    : `  - toml: ${flow({ path: host.here(tomlPath ?? ''), pointer: '/auth_token' })}`
  const clients = await clientsOf(server, own?.digest ?? digestOf(toml.auth_token ?? ''))
  return {
    found: [
      { what: 'the auth token', where: own?.path ?? tomlPath ?? '' },
      ...clients.map(({ found }) => found),
    ],
    unknown: [
      'which clients on other hosts hold the auth token: they fail until they have the new one',
      'how to ask the server whether it takes a token: rotations of it are not proved',
    ],
    consumers: clients.map(({ consumer }) => consumer),
    materials: [
      {
        name: 'chat-auth-token',
        about: [
          'Waits for `rekeyd approve`; then `rekeyd reveal chat-auth-token --out FILE` for clients elsewhere.',
        ],
        kind: 'token',
        rotate: { every: '90d' },
        lines: [
          'approval: required',
          'targets:',
          target,
          ...clients.map(({ target }) => target),
          `consumers: ${flow(['chat-server', ...clients.map(({ consumer }) => consumer.name)])}`,
          'verify: none # better: [{ command: [/path/to/probe] }], which reads the token from descriptor 3',
          'impact: All sessions drop at the restart; remote bearer clients fail until they have the new token.',
        ],
      },
    ],
  }
}

interface Client {
  readonly consumer: ConsumerDraft
  readonly target: string
  readonly found: Finding
}

async function clientsOf(
  { host, runners, runner }: Server,
  digest: string,
): Promise<readonly Client[]> {
  const clients: Client[] = []
  for (const one of runners.filter((one) => one !== runner && mayHold(one))) {
    const held = await findVariable(host, one, ofClients)
    if (!held || 'inline' in held || held.digest !== digest) continue
    const name = (
      one.unit?.name.replace(/\.service$/, '') ??
      one.service?.name ??
      'client'
    ).toLowerCase()
    const consumer = consumerOf(
      host,
      name.replace(/[^a-z0-9-]/g, '-').replace(/^[^a-z]+/, 'client-'),
      one,
    )
    const found = { what: `the same token for ${one.what}`, where: held.path }
    clients.push({ consumer, target: envTarget(host, held), found })
  }
  return clients
}

function mayHold({ environment, environmentFiles }: Runner): boolean {
  return environment.has(ofClients) || environmentFiles.length > 0
}
