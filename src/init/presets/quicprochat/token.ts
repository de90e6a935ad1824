import { digestOf } from '../../environment-file.ts'
import type { ConsumerDraft, Finding, MaterialDraft } from '../../preset.ts'
import { consumerOf, envTarget, findVariable, type Runner } from '../../runner.ts'
import { flow } from '../../yaml-flow.ts'
import type { Server, Share } from './server.ts'

const nothing: Share = { found: [], unknown: [], materials: [] }
const variable = 'QPC_AUTH_TOKEN'
const ofClients = 'QPC_ACCESS_TOKEN'

/** The bearer token: where the server takes it from, and the clients on this host that hold the same one. */
export async function tokenMaterial(server: Server): Promise<Share> {
  const { host, runner } = server
  const own = await findVariable(host, runner, variable)
  if (own && 'inline' in own) {
    const reason = `auth token: ${variable} is set in ${runner.where} itself, which rekeyd does not write`
    return { ...nothing, unknown: [`${reason}; move it into a file and run init again`] }
  }
  const place = own
    ? { line: envTarget(host, own), where: own.path, digest: own.digest }
    : inToml(server)
  if (!place) return nothing
  const clients = await clientsOf(server, place.digest)
  return {
    found: [{ what: 'the auth token', where: place.where }, ...clients.map(({ found }) => found)],
    unknown: [
      'which clients on other hosts hold the auth token: they fail until they have the new one',
      'how to ask the server whether it takes a token: rotations of it are not proved',
    ],
    consumers: clients.map(({ consumer }) => consumer),
    materials: [draftOf(place.line, clients)],
  }
}

function inToml({ host, toml, tomlPath }: Server) {
  if (!toml.auth_token || tomlPath === undefined) return undefined
  const target = { path: host.here(tomlPath), pointer: '/auth_token' }
  const digest = digestOf(toml.auth_token)
  return { line: `  - toml: ${flow(target)}`, where: tomlPath, digest }
}

function draftOf(target: string, clients: readonly Client[]): MaterialDraft {
  return {
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
