import { basename } from 'node:path'
import { readCertificate } from '../found-certificate.ts'
import type { Host } from '../host.ts'
import { type TlsServer, tlsServers } from '../nginx-config.ts'
import type { ConsumerDraft, Draft, MaterialDraft, Preset } from '../preset.ts'
import { consumerOf, findRunners, type Runner, runnerOf } from '../runner.ts'
import { certbotOrigin, fileTarget, originOf, tlsMaterial } from '../tls-material.ts'
import { flow } from '../yaml-flow.ts'

const unitName = 'nginx.service'
const configFile = '/etc/nginx/nginx.conf'
/** Where copies of what certbot renews go: its own files are never written. */
const copies = '/etc/nginx/rekeyd'

/** nginx: each certificate with its key that a `server` names. */
export const nginx: Preset = {
  summary: 'nginx: each certificate with its key that a server block names',
  looksFor: `ssl_certificate and ssl_certificate_key in the server blocks of ${configFile} and what it includes`,
  async survey(host) {
    const servers = distinct(tlsServers(host, configFile))
    if (servers.length === 0) return undefined
    const runner = runnerOf(await findRunners(host), unitName, /^nginx$/)
    return draftOf(host, servers, runner)
  },
}

function distinct(servers: readonly TlsServer[]): readonly TlsServer[] {
  return [...Map.groupBy(servers, ({ certificate }) => certificate).values()].flatMap((same) => {
    const [first] = same
    return first ? [{ ...first, names: [...new Set(same.flatMap(({ names }) => names))] }] : []
  })
}

function draftOf(host: Host, servers: readonly TlsServer[], runner: Runner | undefined): Draft {
  const taken = new Set<string>()
  const pairs = servers.map((server) => ({ server, name: unique(materialName(server), taken) }))
  const byCertbot = pairs.filter(({ server }) => isCertbots(server))
  return {
    found: [
      ...(runner ? [{ what: runner.what, where: runner.where }] : []),
      ...servers.map(({ certificate, names }) => ({
        what: `a certificate for ${names.join(', ') || 'no name'}`,
        where: certificate,
      })),
    ],
    unknown: [
      ...(runner ? [] : ['how nginx is run: `nginx -s reload` is used']),
      ...byCertbot.map(
        ({ server, name }) =>
          `${name}: nginx reads certbot's own files, so a certificate that it cannot use is live at once. To have each one proved: \`install -d -m 0700 ${copies}\`, \`rekeyd run\`, then ssl_certificate ${copyOf(name, 'certificate')} and ssl_certificate_key ${copyOf(name, 'private_key')} in place of ${server.certificate} and its key`,
      ),
    ],
    consumers: [consumerFor(host, runner, servers)],
    materials: pairs.map(({ server, name }) => materialFor(host, server, name)),
  }
}

function consumerFor(
  host: Host,
  runner: Runner | undefined,
  servers: readonly TlsServer[],
): ConsumerDraft {
  if (!runner)
    return {
      name: 'nginx',
      lines: ['command: { reload: [/usr/sbin/nginx, -s, reload] }', 'apply: reload'],
    }
  if (runner.service) return consumerOf(host, 'nginx', runner, { apply: 'signal' })
  // Credentials are copied when the unit starts: a reload would read the old ones again.
  const copied = servers.some(({ key }) => runner.unit?.credentials.includes(key))
  const reloads = runner.unit?.reloads === true && !copied
  return consumerOf(host, 'nginx', runner, { apply: reloads ? 'reload' : 'restart' })
}

function materialFor(host: Host, server: TlsServer, name: string): MaterialDraft {
  const present = readCertificate(host, server.certificate)
  const copied = isCertbots(server)
  const origin = copied
    ? certbotOrigin(host, server, 'absent')
    : originOf(host, present, server.names)
  const servername = server.names[0] ?? present?.names[0]
  const target = (part: 'certificate' | 'private_key') => {
    const written =
      part === 'certificate' ? { part: 'fullchain', format: 'pem' } : { part, format: 'pkcs8-pem' }
    if (copied) return `  - file: ${flow({ path: host.here(copyOf(name, part)), ...written })}`
    return fileTarget(host, part === 'certificate' ? server.certificate : server.key, written).line
  }
  const asked = {
    connect: server.address,
    ...(servername !== undefined && { servername }),
  }
  const draft = tlsMaterial(name, origin, {
    targets: [target('certificate'), target('private_key')],
    consumers: ['nginx'],
    verify: flow([{ tls: asked }]),
  })
  if (!copied) return draft
  return { ...draft, lines: ['on_missing: create', ...draft.lines] }
}

function isCertbots({ certificate }: TlsServer): boolean {
  return certificate.startsWith('/etc/letsencrypt/')
}

function copyOf(name: string, part: 'certificate' | 'private_key'): string {
  return `${copies}/${name}.${part === 'certificate' ? 'crt' : 'key'}`
}

function materialName({ names, certificate }: TlsServer): string {
  const text = names[0] ?? basename(certificate).replace(/\.\w+$/, '')
  return `tls-${text.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.slice(0, 50).replace(/-$/, '')
}

function unique(name: string, taken: Set<string>): string {
  let chosen = name
  for (let number = 2; taken.has(chosen); number += 1) chosen = `${name}-${number}`
  taken.add(chosen)
  return chosen
}
