import { join } from 'node:path'
import { readCertificate } from '../../found-certificate.ts'
import { onlyIf } from '../../only-if.ts'
import type { Draft, Preset } from '../../preset.ts'
import { consumerOf } from '../../runner.ts'
import { fileTarget, originOf, tlsMaterial, userIdOf } from '../../tls-material.ts'
import { flow } from '../../yaml-flow.ts'
import { databaseMaterials } from './database.ts'
import { configName, findServer, packageData, type Server, type Share, unitName } from './server.ts'
import { tokenMaterial } from './token.ts'

/** quicprochat's server, as its package or its Compose file lays it out: everything is read at its start only. */
export const quicprochat: Preset = {
  summary: 'quicprochat: TLS, federation, auth token, database key, OPAQUE setup, signing key',
  looksFor: `${unitName} or a Compose service of quicprochat, ${configName} in /etc/quicprochat, and ${packageData}`,
  async survey(host) {
    const server = await findServer(host)
    if (!server) return undefined
    const shares = [
      tlsShare(server, 'server', 'chat-tls'),
      tlsShare(server, 'federation', 'federation-tls'),
      await databaseMaterials(server),
      await tokenMaterial(server),
    ]
    return draftOf(server, shares)
  },
}

function tlsShare(server: Server, name: 'server' | 'federation', material: string): Share {
  const { host, runner, data } = server
  const [certificate, key] = [join(data, `${name}-cert.der`), join(data, `${name}-key.der`)]
  const present = host.stats(certificate) && readCertificate(host, certificate)
  if (!present || !host.stats(key)) return { found: [], unknown: [], materials: [] }
  const uid = runner.service ? undefined : userIdOf(host, runner.user)
  const keyTarget = fileTarget(host, key, { part: 'private_key', format: 'pkcs8-der' }, uid)
  const draft = tlsMaterial(material, federationOrigin(server, name) ?? originOf(host, present), {
    targets: [
      fileTarget(host, certificate, { part: 'certificate', format: 'der' }).line,
      keyTarget.line,
    ],
    consumers: ['chat-server'],
    verify: `none # ${proofOf(server, name, present.names[0] ?? 'NAME')}`,
  })
  return {
    found: [
      { what: `the ${name} certificate, for ${present.names.join(', ')}`, where: certificate },
    ],
    unknown: [
      `${material}: which ALPN the server speaks, so its rotations are not proved; write it into \`verify\``,
      ...onlyIf(keyTarget.exposed, `whether the server needs that others can read ${key}`),
    ],
    materials: [draft],
  }
}

function proofOf({ toml }: Server, name: 'server' | 'federation', servername: string): string {
  if (name === 'federation') return 'better: a quic verifier on the port that peers reach'
  const port = toml.port ?? /:(\d+)$/.exec(toml.listen ?? '')?.[1] ?? 7000
  const quic = flow({ connect: `127.0.0.1:${port}`, servername, alpn: 'ALPN' })
  return `better, with your ALPN: [{ quic: ${quic} }]`
}

/** The CA of the federation, where the runbook of quicprochat keeps it. */
function federationOrigin({ host, data }: Server, name: string) {
  if (name !== 'federation') return undefined
  for (const folder of [data, '/etc/quicprochat']) {
    const certificate = join(folder, 'federation-ca.pem')
    const key = join(folder, 'federation-ca-key.pem')
    if (!host.stats(certificate) || !host.stats(key)) continue
    const present = readCertificate(host, join(data, 'federation-cert.der'))
    return {
      issuer: flow({ ca: { certificate: host.here(certificate), key: host.here(key) } }),
      rotate: { beforeExpiry: 30, present },
      about: `rekeyd signs it with the federation's CA in ${folder}.`,
      names: present?.names ?? [],
    }
  }
  return undefined
}

function draftOf({ host, runner, tomlPath, data }: Server, shares: readonly Share[]): Draft {
  const known = runner.where !== ''
  return {
    found: [
      ...(known ? [{ what: runner.what, where: runner.where }] : []),
      ...(tomlPath === undefined ? [] : [{ what: 'its configuration', where: tomlPath }]),
      { what: 'its data folder', where: data },
      ...shares.flatMap(({ found }) => found),
    ],
    unknown: [
      ...(known ? [] : [`how the server is run: ${unitName} is assumed, as its package has it`]),
      ...shares.flatMap(({ unknown }) => unknown),
    ],
    consumers: [
      consumerOf(host, 'chat-server', runner),
      ...shares.flatMap(({ consumers = [] }) => consumers),
    ],
    materials: shares.flatMap(({ materials }) => materials),
  }
}
